#pragma once
// The sealed bytes of a volume, whatever of it is damaged: intact bytes from the drive, the rest rebuilt from its
// parity.

#include "rituals/examine.hpp"

namespace darkshelf::rituals {

/// Reads any file of the volume as it was sealed. Rebuilt payload slices and recovery files lie in `work_folder` (made,
/// and removed with the object unless kept).
class SealedSource {
 public:
  /// Rebuilds what the examination found damaged. Every rebuilt slice and file is compared with its digest before it
  /// counts. With `payload_only` recovery data is not rebuilt. Throws kUnrepairable.
  static SealedSource mend(Context& context, const Examination& examination, const io::Path& work_folder,
                           bool payload_only);
  /// Nothing rebuilt: reads of lost slices throw kUnrepairable, all other bytes are served (restore of what is intact).
  static SealedSource as_is(Context& context, const Examination& examination);
  SealedSource(SealedSource&&) noexcept;
  ~SealedSource();

  const volume::LoadedVolume& volume() const;
  /// Paths below the volume's folder with their sealed lengths: every file of tagmanifest and manifest, and the
  /// tagmanifest.
  std::vector<std::pair<std::string, std::uint64_t>> files() const;
  /// Fills `into` from the sealed bytes of a file.
  void read(const std::string& path, std::uint64_t offset, core::MutableByteSpan into) const;
  /// Data of a member (kFile), wherever its layout put it.
  void read_member(const formats::volume::Member& member, std::uint64_t offset, core::MutableByteSpan into) const;

 private:
  struct State;
  explicit SealedSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace darkshelf::rituals
