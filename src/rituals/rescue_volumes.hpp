#pragma once
// From what was found of the sets to whole volumes: lists first, then payload, parity and seal. For rescue*.cpp alone.

#include <map>
#include <span>

#include "rituals/rescue.hpp"
#include "rituals/rescue_sets.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::rituals {

/// The slices of one set, where they lie on the medium.
struct FoundSlices {
  static constexpr std::uint64_t kZeros = ~std::uint64_t{0};  // the place of a slice that is all zeros
  std::map<std::uint32_t, std::uint64_t> places;              // of the tags sets all, of the others the first few
  std::vector<std::uint32_t> lost;                            // ascending; once the search is over
  std::span<const formats::par2::Md5> checksums;              // of all its slices
};

/// The tag files of a set of them, rebuilt in memory; a slice that is not what it was when it was found counts as lost.
std::map<std::string, std::string> rebuild_tags(io::RawMedium& medium, const CarvedSet& set, const FoundSlices& found,
                                                const core::Work& work);

/// A payload, and the lists that tell what it is part of.
struct RescueTarget {
  const CarvedSet* payload = nullptr;  // nothing: a volume of empty files alone
  const FoundSlices* payload_found = nullptr;
  const CarvedSet* tags = nullptr;
  const FoundSlices* tags_found = nullptr;
};

class VolumeRescue {
 public:
  VolumeRescue(RescueContext& context, const RescueRequest& request, io::RawMedium& medium, io::Path work_folder)
      : context_(context), request_(request), medium_(medium), work_folder_(std::move(work_folder)) {}

  /// Where the payload of a set is gathered, in the shape of its volume.
  static io::Path gathered(const io::Path& work_folder, const CarvedSet& payload);
  /// Where run_payload() has put this payload, if it has.
  static std::optional<io::Path> without_lists(io::FileSystem& fs, const io::Path& to, const CarvedSet& payload);
  /// Rebuilds the volume, proves it by its own lists, compares the seal and puts it in its place below `to`.
  void run(const RescueTarget& target, RescuedVolume& out);
  /// The payload without lists: rebuilt, compared with the MD5s of its PAR2 set, and put into `to`/without-lists.
  void run_payload(const RescueTarget& target, RescuedVolume& out);
  const std::string& label() const { return label_; }

 private:
  struct Volume;
  void require_its_own(const Volume& volume);
  void take_back(const RescueTarget& target, const io::Path& folder);
  void write_payload(const RescueTarget& target, const io::Path& folder, RescuedVolume& out);
  void write_the_rest(Volume& volume);
  void prove(Volume& volume);
  template <typename Stream>
  auto digest_of(const io::Path& path);
  void put_in_place(Volume& volume, RescuedVolume& out);
  void make_drive(const Volume& first);
  SealCompared compare(const Volume& volume);

  RescueContext& context_;
  const RescueRequest& request_;
  io::RawMedium& medium_;
  io::Path work_folder_;
  std::string label_;
};

}  // namespace darkshelf::rituals
