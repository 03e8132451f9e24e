#include "formats/par2/packets.hpp"

#include <algorithm>
#include <cstring>

namespace darkshelf::formats::par2 {

namespace {

constexpr std::array<char, 8> kMagic = {'P', 'A', 'R', '2', '\0', 'P', 'K', 'T'};
constexpr std::uint64_t kLongestPacket = std::uint64_t{1} << 40;
constexpr std::size_t kLongestName = 100'000;
constexpr std::uint64_t kHead = 16384;

constexpr std::string_view kMainType{"PAR 2.0\0Main\0\0\0\0", 16};
constexpr std::string_view kDescriptionType{"PAR 2.0\0FileDesc", 16};
constexpr std::string_view kSlicesType{"PAR 2.0\0IFSC\0\0\0\0", 16};
constexpr std::string_view kRecoveryType{"PAR 2.0\0RecvSlic", 16};
constexpr std::string_view kCreatorType{"PAR 2.0\0Creator\0", 16};

Md5 type_id(std::string_view type) {
  Md5 out;
  std::memcpy(out.data(), type.data(), out.size());
  return out;
}
bool is_type(const Md5& type, std::string_view name) { return std::memcmp(type.data(), name.data(), type.size()) == 0; }

Md5 md5_at(core::ByteSpan bytes, std::size_t at) {
  Md5 out;
  std::memcpy(out.data(), bytes.data() + at, out.size());
  return out;
}

/// Appends fields in PAR2's order of bytes.
class Writer {
 public:
  void put(core::ByteSpan bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  template <typename T>
  void put_number(T value) {
    std::array<std::byte, sizeof(T)> bytes;
    core::store_le<T>(bytes.data(), value);
    put(bytes);
  }
  /// Text and zeros up to a multiple of four.
  void put_padded(std::string_view text) {
    put(core::as_bytes(text));
    out_.resize(core::round_up(out_.size(), 4));
  }
  core::Bytes take() { return std::move(out_); }

 private:
  core::Bytes out_;
};

core::Bytes packet(const Md5& set_id, std::string_view type, core::ByteSpan body) {
  Writer out;
  out.put(core::as_bytes(std::string_view(kMagic.data(), kMagic.size())));
  out.put_number<std::uint64_t>(kHeaderBytes + body.size());
  out.put(packet_md5(set_id, type_id(type), body));
  out.put(set_id);
  out.put(core::as_bytes(type));
  out.put(body);
  return out.take();
}

std::optional<Body> decode_main(core::ByteSpan body) {
  if (body.size() < 12 || (body.size() - 12) % 16 != 0) return {};
  Main main;
  main.slice_bytes = core::load_le<std::uint64_t>(body.data());
  const std::uint64_t count = core::load_le<std::uint32_t>(body.data() + 8);
  const std::uint64_t ids = (body.size() - 12) / 16;
  if (main.slice_bytes == 0 || main.slice_bytes % 4 != 0 || count > ids || ids > kMaxSlices) return {};
  for (std::uint64_t i = 0; i < ids; ++i) {
    (i < count ? main.recovery_files : main.other_files).push_back(md5_at(body, 12 + 16 * i));
  }
  return main;
}

std::optional<Body> decode_description(core::ByteSpan body) {
  if (body.size() <= 56 || body.size() - 56 > kLongestName) return {};
  FileDescription file;
  file.id = md5_at(body, 0);
  file.md5 = md5_at(body, 16);
  file.md5_16k = md5_at(body, 32);
  file.bytes = core::load_le<std::uint64_t>(body.data() + 48);
  file.name = core::as_text(body.subspan(56));
  file.name.erase(file.name.find_last_not_of('\0') + 1);
  if (file.name.empty() || file.name.find('\0') != std::string::npos) return {};
  if (file.bytes <= kHead && file.md5 != file.md5_16k) return {};
  return file;
}

std::optional<Body> decode_slices(core::ByteSpan body) {
  if (body.size() < 36 || (body.size() - 16) % 20 != 0) return {};
  const std::size_t count = (body.size() - 16) / 20;
  if (count > kMaxSlices) return {};
  FileSlices slices;
  slices.id = md5_at(body, 0);
  for (std::size_t i = 0; i < count; ++i) {
    slices.slices.push_back({md5_at(body, 16 + 20 * i), core::load_le<std::uint32_t>(body.data() + 32 + 20 * i)});
  }
  return slices;
}

}  // namespace

std::optional<Header> decode_header(core::ByteSpan bytes) {
  if (bytes.size() < kHeaderBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) return {};
  Header header;
  header.bytes = core::load_le<std::uint64_t>(bytes.data() + 8);
  if (header.bytes < kHeaderBytes || header.bytes % 4 != 0 || header.bytes > kLongestPacket) return {};
  header.packet_md5 = md5_at(bytes, 16);
  header.set_id = md5_at(bytes, 32);
  header.type = md5_at(bytes, 48);
  return header;
}

bool is_recovery_slice(const Header& header) { return is_type(header.type, kRecoveryType); }

std::optional<Body> decode_body(const Header& header, core::ByteSpan body, std::uint64_t body_bytes) {
  if (is_recovery_slice(header)) {
    if (body.size() < 4 || body_bytes <= 4) return {};
    RecoverySlice slice{core::load_le<std::uint32_t>(body.data()), kHeaderBytes + 4, body_bytes - 4};
    if (slice.exponent > kMaxExponent) return {};
    return slice;
  }
  if (body.size() != body_bytes) return {};
  if (is_type(header.type, kMainType)) return decode_main(body);
  if (is_type(header.type, kDescriptionType)) return decode_description(body);
  if (is_type(header.type, kSlicesType)) return decode_slices(body);
  if (is_type(header.type, kCreatorType)) {
    std::string text(core::as_text(body));
    text.erase(text.find_last_not_of('\0') + 1);
    return Creator{std::move(text)};
  }
  return UnknownPacket{};
}

Md5 packet_md5(const Md5& set_id, const Md5& type, core::ByteSpan body) {
  digest::Md5Stream md5;
  md5.update(set_id);
  md5.update(type);
  md5.update(body);
  return md5.finish();
}

core::Bytes encode_main_body(const Main& main) {
  Writer out;
  out.put_number<std::uint64_t>(main.slice_bytes);
  out.put_number(static_cast<std::uint32_t>(main.recovery_files.size()));
  for (const auto* ids : {&main.recovery_files, &main.other_files}) {
    for (const Md5& id : *ids) out.put(id);
  }
  return out.take();
}

Md5 set_id_of(const Main& main) { return digest::md5(encode_main_body(main)); }

core::Bytes encode(const Md5& set_id, const Main& main) { return packet(set_id, kMainType, encode_main_body(main)); }

core::Bytes encode(const Md5& set_id, const FileDescription& file) {
  Writer body;
  body.put(file.id);
  body.put(file.md5);
  body.put(file.md5_16k);
  body.put_number<std::uint64_t>(file.bytes);
  body.put_padded(file.name);
  return packet(set_id, kDescriptionType, body.take());
}

core::Bytes encode(const Md5& set_id, const FileSlices& slices) {
  Writer body;
  body.put(slices.id);
  for (const SliceChecksum& slice : slices.slices) {
    body.put(slice.md5);
    body.put_number<std::uint32_t>(slice.crc32);
  }
  return packet(set_id, kSlicesType, body.take());
}

core::Bytes encode(const Md5& set_id, const Creator& creator) {
  Writer body;
  body.put_padded(creator.text);
  return packet(set_id, kCreatorType, body.take());
}

core::Bytes encode_recovery_head(const Md5& set_id, std::uint32_t exponent, std::uint64_t slice_bytes) {
  Writer out;
  out.put(core::as_bytes(std::string_view(kMagic.data(), kMagic.size())));
  out.put_number<std::uint64_t>(kHeaderBytes + 4 + slice_bytes);
  out.put(Md5{});
  out.put(set_id);
  out.put(core::as_bytes(kRecoveryType));
  out.put_number<std::uint32_t>(exponent);
  return out.take();
}

Md5 file_id(const Md5& md5_16k, std::uint64_t bytes, std::string_view name) {
  Writer text;
  text.put(md5_16k);
  text.put_number<std::uint64_t>(bytes);
  text.put(core::as_bytes(name));
  return digest::md5(text.take());
}

bool id_less(const Md5& a, const Md5& b) {
  return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

}  // namespace darkshelf::formats::par2
