#include "parity/packet_carver.hpp"

#include <algorithm>
#include <cstring>

namespace darkshelf::parity {

namespace par2 = formats::par2;

namespace {

constexpr std::string_view kMagic{"PAR2\0PKT", 8};
constexpr std::uint64_t kLongestCritical = 16 << 20;  // as a reader of .par2 files has it
constexpr std::uint64_t kCredit = 256 << 20, kCreditEach = 4;
constexpr std::size_t kHashedFrom = 32;  // a packet's MD5 covers all behind it: set id, type, body
constexpr std::size_t kPiece = 1 << 20;

}  // namespace

PacketCarver::PacketCarver(std::uint64_t medium_bytes, Read read, Found found)
    : medium_bytes_(medium_bytes), read_(std::move(read)), found_(std::move(found)), credit_(kCredit) {}

std::uint64_t PacketCarver::carve(core::ByteSpan data, std::uint64_t base, std::uint64_t from, std::uint64_t to) {
  if (from < to) credit_ = std::min(kCredit, credit_ + kCreditEach * (to - from));
  const std::string_view text = core::as_text(data);
  while (from < to) {
    const std::size_t at = text.find(kMagic, from - base);
    if (at == std::string_view::npos || base + at >= to) return to;
    std::uint64_t length = 0;
    from = base + at;
    from += take(data, base, from, length) ? length : kMagic.size();
  }
  return from;
}

bool PacketCarver::take(core::ByteSpan data, std::uint64_t base, std::uint64_t offset, std::uint64_t& length) {
  const core::ByteSpan rest = data.subspan(offset - base);
  if (rest.size() < par2::kHeaderBytes) return false;
  const auto header = par2::decode_header(rest.first(par2::kHeaderBytes));
  if (!header || header->bytes > medium_bytes_ - offset) return false;
  const bool recovery = par2::is_recovery_slice(*header);
  const std::uint64_t longest = recovery ? kLongestRawSlice + par2::kHeaderBytes + 4 : kLongestCritical;
  if (header->bytes > longest || header->bytes > credit_) return false;
  core::Bytes kept;
  if (!hash_fits(data, base, offset, *header, kept, recovery ? par2::kHeaderBytes + 4 : header->bytes)) {
    credit_ -= header->bytes;
    return false;
  }
  const core::ByteSpan whole = kept.empty() ? rest.first(header->bytes) : core::ByteSpan(kept);
  const std::uint64_t body_bytes = header->bytes - par2::kHeaderBytes;
  const core::ByteSpan body = whole.subspan(par2::kHeaderBytes);
  auto decoded =
      par2::decode_body(*header, recovery ? body.first(std::min<std::size_t>(4, body.size())) : body, body_bytes);
  if (!decoded) return false;
  length = header->bytes;
  found_({offset, *header, std::move(*decoded), recovery ? core::ByteSpan() : whole});
  return true;
}

bool PacketCarver::hash_fits(core::ByteSpan data, std::uint64_t base, std::uint64_t offset, const par2::Header& header,
                             core::Bytes& kept, std::uint64_t keep) {
  digest::Md5Stream md5;
  const core::ByteSpan here = data.subspan(offset - base);
  if (here.size() >= header.bytes) {
    md5.update(here.first(header.bytes).subspan(kHashedFrom));
    return md5.finish() == header.packet_md5;
  }
  md5.update(here.subspan(kHashedFrom));
  kept.assign(here.begin(), here.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(keep, here.size())));
  core::Bytes piece(std::min<std::uint64_t>(kPiece, header.bytes - here.size()));
  for (std::uint64_t at = here.size(); at < header.bytes;) {
    const auto part = core::MutableByteSpan(piece).first(std::min<std::uint64_t>(piece.size(), header.bytes - at));
    if (!read_(offset + at, part)) return false;
    md5.update(part);
    const std::uint64_t wanted = std::min<std::uint64_t>(part.size(), keep - std::min(keep, at));
    kept.insert(kept.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(wanted));
    at += part.size();
  }
  return md5.finish() == header.packet_md5;
}

}  // namespace darkshelf::parity
