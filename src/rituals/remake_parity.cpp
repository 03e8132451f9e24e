#include "rituals/remake_parity.hpp"

#include <fmt/format.h>

#include <cstring>

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kChunk = 4 << 20;

}  // namespace

void remake_payload_set(const fv::BagInfo& info, const std::vector<volume::ProtectedFile>& files,
                        const ReadPayload& read, const parity::CreateFile& create, const core::Work& work) {
  std::vector<parity::SetFile> set;
  for (std::size_t i = 0; i < files.size(); ++i) {
    core::Bytes head(std::min<std::uint64_t>(kParityHead, files[i].bytes));
    read(i, 0, head);
    set.push_back({files[i].path, files[i].bytes, digest::md5(head)});
  }
  parity::SetOptions options;
  options.base = fv::base_name(info);
  options.slice_bytes = info.slice_bytes;
  options.recovery_slices = info.recovery_slices;
  options.creator = info.creator;
  parity::SetBuilder builder(set, options, work);
  core::AlignedBuffer buffer(kChunk);
  for (std::size_t i = 0; i < set.size(); ++i) {
    builder.begin_file(i);
    for (std::uint64_t offset = 0; offset < set[i].bytes;) {
      work.check();
      const auto part = buffer.span().first(std::min<std::uint64_t>(kChunk, set[i].bytes - offset));
      read(i, offset, part);
      builder.append(part);
      offset += part.size();
    }
    builder.end_file();
  }
  builder.write(create, read);
}

std::vector<parity::WrittenSetFile> write_tags_set(const fv::BagInfo& info,
                                                   const std::map<std::string, std::string>& tag_text,
                                                   const parity::CreateFile& create, const core::Work& work) {
  std::vector<parity::SetFile> files;
  for (const std::string_view name : fv::kTagFiles) {
    const auto text = tag_text.find(std::string(name));
    if (text == tag_text.end())
      throw Error(Code::kUnrepairable, fmt::format("{} is lost, and with it what its parity was made from", name));
    const core::ByteSpan bytes = core::as_bytes(text->second);
    if (!bytes.empty())
      files.push_back({std::string(name), bytes.size(), digest::md5(bytes.first(std::min(bytes.size(), kParityHead)))});
  }
  parity::SetOptions options;
  options.base = fv::base_name(info) + ".tags";
  options.slice_bytes = info.tag_slice_bytes;
  options.recovery_slices = info.tag_recovery_slices;
  options.creator = info.creator;
  parity::SetBuilder builder(files, options, work);
  for (std::size_t i = 0; i < files.size(); ++i) {
    builder.begin_file(i);
    builder.append(core::as_bytes(tag_text.at(files[i].name)));
    builder.end_file();
  }
  return builder.write(create, [&](std::size_t file, std::uint64_t offset, core::MutableByteSpan into) {
    std::memcpy(into.data(), tag_text.at(files[file].name).data() + offset, into.size());
  });
}

}  // namespace darkshelf::rituals
