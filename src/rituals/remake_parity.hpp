#pragma once
// The PAR2 sets of a volume made again from what they protect: the same to the byte as when it was sealed. The small
// set is written by seal itself through here.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "parity/set_builder.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::rituals {

inline constexpr std::size_t kParityHead = 16384;  // PAR2 names a file by the MD5 of this much of it

/// Sealed bytes of files[file], from `offset` on.
using ReadPayload = std::function<void(std::size_t file, std::uint64_t offset, core::MutableByteSpan into)>;

/// NAME.par2 and its recovery file, through `create`.
void remake_payload_set(const formats::volume::BagInfo& info, const std::vector<volume::ProtectedFile>& files,
                        const ReadPayload& read, const parity::CreateFile& create, const core::Work& work);

/// NAME.tags.par2 and its recovery file. Throws kUnrepairable when one of the tag files is not among the texts.
std::vector<parity::WrittenSetFile> write_tags_set(const formats::volume::BagInfo& info,
                                                   const std::map<std::string, std::string>& tag_text,
                                                   const parity::CreateFile& create, const core::Work& work);

}  // namespace darkshelf::rituals
