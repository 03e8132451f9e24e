#pragma once
// The payload of one volume: the source read once, written onto every drive and into the parity sums; for
// seal_write.cpp alone.

#include <algorithm>
#include <optional>

#include "parity/set_builder.hpp"
#include "rituals/seal_parts.hpp"

namespace darkshelf::rituals {

inline constexpr std::size_t kWriteChunk = 4 << 20;

/// What computing parity may take; the rest is for buffers and small files read whole.
inline core::Work parity_work(core::Work work) {
  work.memory = work.memory / 4 * 3;
  return work;
}

/// A file up to this length is read whole before it is written, and handed to the decoders of photos.
inline std::uint64_t read_whole_up_to(const core::Work& work) {
  return std::min<std::uint64_t>(work.memory / 8, 64 << 20);
}
/// What computing parity may take while decoders work beside it: one picture waits, and one is with a decoder.
inline core::Work parity_work_beside_photos(core::Work work) {
  work.memory -= 2 * read_whole_up_to(work);
  return parity_work(work);
}

/// What write_payload leaves behind for the tag files and the parity.
struct WrittenPayload {
  std::vector<formats::volume::Member> members;  // with digests, offsets and slices
  std::unique_ptr<parity::SetBuilder> builder;   // has seen every protected file; null if there is none
  std::vector<std::string> protected_paths;      // in the builder's order
  std::uint64_t bytes_read = 0;
};

/// Writes data/… and fills in what `part.info` says of the payload. Nothing when entries had to be taken out of `part`:
/// the volume is to be written again from the start.
std::optional<WrittenPayload> write_payload(Context& context, VolumeToWrite& part, io::FanOut& targets);

}  // namespace darkshelf::rituals
