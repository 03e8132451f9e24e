#pragma once
// The payload of layout tar: POSIX pax, deterministic, with offsets of every member. formats/volume/SPEC.md,
// "Tar profile".

#include <functional>
#include <memory>

#include "core/bytes.hpp"
#include "formats/volume/tag_files.hpp"

namespace darkshelf::volume {

/// Writes members in the order given. Not thread-safe. A throw from the sink comes out of the call that caused it.
class TarWriter {
 public:
  using Sink = std::function<void(core::ByteSpan)>;
  explicit TarWriter(Sink sink);
  ~TarWriter();
  /// Starts a member; sets header_offset and offset in it.
  void begin(formats::volume::Member& member);
  /// Exactly member.bytes bytes must follow for kFile; more or fewer throws Error(kFailed) at the next begin/finish.
  void data(core::ByteSpan bytes);
  /// End-of-archive blocks. Returns the archive's length.
  std::uint64_t finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Bytes the tar of these members takes.
std::uint64_t tar_bytes(const std::vector<formats::volume::Member>& members);

}  // namespace darkshelf::volume
