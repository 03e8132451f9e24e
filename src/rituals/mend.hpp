#pragma once
// The sealed bytes of a volume, whatever of it is damaged: intact bytes from the drive, the rest from other copies of
// it and rebuilt from the parity of all of them.

#include "rituals/mend_slices.hpp"

namespace darkshelf::rituals {

/// Reads any file of the volume as it was sealed. Rebuilt payload slices and recovery files lie in `work_folder` (made,
/// and removed with the object unless kept).
class SealedSource {
 public:
  enum class Need { kEverything, kPayload, kWhatIsPossible };  // the last: of the payload; reads of the rest throw
  /// Brings together what the examination found damaged. Every slice and file is compared with its digest before it
  /// counts. Throws kUnrepairable.
  static SealedSource mend(Context& context, const Examination& examination, const io::Path& work_folder, Need need,
                           const Elsewhere& elsewhere = {});
  /// Nothing rebuilt: reads of lost slices throw kUnrepairable, all other bytes are served (restore of what is intact).
  static SealedSource as_is(Context& context, const Examination& examination);
  SealedSource(SealedSource&&) noexcept;
  ~SealedSource();

  const volume::LoadedVolume& volume() const;
  const Origin& origin() const;  // of the slices that were lost
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
