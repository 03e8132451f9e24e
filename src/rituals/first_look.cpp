#include "rituals/first_look.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kRounds = 8;
constexpr std::uint64_t kAtMostOneIn = 20;  // of all slices

struct Picked {
  std::uint64_t number = 0;  // over all volumes, in their order: volumes lie there as they were written
  std::size_t volume = 0;
  std::uint32_t slice = 0;
  std::size_t file = 0;  // of paths_
  std::uint64_t offset = 0, bytes = 0;
  digest::Sha256 wanted{};
  bool known = false;  // the lists told what it should be
  bool unreadable = false;
};

class Looking {
 public:
  Looking(Context& context, const AttachedDrive& drive, const std::vector<catalog::Volume>& volumes,
          const std::function<bool()>& stop)
      : context_(context), drive_(drive), volumes_(volumes), stop_(stop) {}

  FirstLook run() {
    pick();
    context_.work.told().begin("reading the lists of all volumes", 0);
    for (std::size_t i = 0; i < volumes_.size() && !stop_(); ++i) look_at_lists(i);
    context_.work.told().end();
    std::uint64_t bytes = 0;
    for (const Picked& one : picked_) bytes += one.bytes;
    context_.work.told().begin("reading slices picked at random", bytes);
    for (std::uint64_t round = 0; round < kRounds && read_round(round); ++round) {
    }
    context_.work.told().end();
    return std::move(look_);
  }

 private:
  void pick() {
    for (const catalog::Volume& volume : volumes_) look_.slices_of += volume.info.slices;
    const std::uint64_t wanted = std::min(kSampleSlices, look_.slices_of / kAtMostOneIn);
    std::vector<std::uint64_t> numbers;
    while (numbers.size() < wanted) {
      const core::Uuid chance = context_.world.new_id();  // its middle holds its version
      const std::uint64_t high = core::load_le<std::uint32_t>(chance.bytes.data());
      numbers.push_back((high << 32 | core::load_le<std::uint32_t>(chance.bytes.data() + 12)) % look_.slices_of);
      if (numbers.size() < wanted) continue;
      std::sort(numbers.begin(), numbers.end());
      numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    }
    std::uint64_t first = 0;
    auto next = numbers.begin();
    for (std::size_t i = 0; i < volumes_.size(); first += volumes_[i++].info.slices) {
      for (; next != numbers.end() && *next < first + volumes_[i].info.slices; ++next) {
        Picked one;
        one.number = *next;
        one.volume = i;
        one.slice = static_cast<std::uint32_t>(*next - first);
        picked_.push_back(one);
      }
    }
  }

  void look_at_lists(std::size_t index) {
    const catalog::Volume& volume = volumes_[index];
    ++look_.volumes;
    bool sound = false;
    try {
      const volume::LoadedVolume loaded = volume::load_volume(context_.fs, drive_.volume_folder(volume),
                                                              known_seal(volume), io::ReadMode::kDirect, context_.work);
      sound = std::all_of(loaded.findings.begin(), loaded.findings.end(), [](const volume::TagFinding& finding) {
        return finding.condition == volume::FileCondition::kHealed;
      });
      take_digests(index, loaded);
      sound &= loaded.seal == volume.seal && is_sound_index(loaded);
    } catch (const Error& error) {
      if (ends_all(error)) throw;  // what it is, the check of the volume tells
    }
    if (!sound) look_.unsound_lists.push_back(volume.info.volume);
  }

  /// The smallest recovery files, which tell what the others are.
  bool is_sound_index(const volume::LoadedVolume& loaded) {
    const std::string base = fv::base_name(loaded.info);
    return std::all_of(loaded.tagmanifest.begin(), loaded.tagmanifest.end(), [&](const fv::ManifestEntry& entry) {
      if (entry.path != base + ".par2" && entry.path != base + ".tags.par2") return true;
      return sha256_of(context_, loaded.folder / entry.path, io::ReadMode::kDirect) == entry.sha256;
    });
  }

  void take_digests(std::size_t index, const volume::LoadedVolume& loaded) {
    for (Picked& one : picked_) {
      if (one.volume != index) continue;
      const auto place = volume::place_of(loaded, one.slice);
      if (!place) continue;
      one.offset = place->offset;
      one.bytes = place->bytes;
      one.wanted = loaded.slices[one.slice];
      one.known = true;
      if (paths_.empty() || paths_.back() != place->file->path) paths_.push_back(place->file->path);
      one.file = paths_.size() - 1;
    }
  }

  /// Every so many-th of what was picked; false when it was cut short, and says nothing then.
  bool read_round(std::uint64_t round) {
    std::uint64_t read = 0;
    std::vector<const Picked*> bad;
    for (std::size_t i = round; i < picked_.size(); i += kRounds) {
      if (stop_()) return false;
      if (!picked_[i].known) continue;
      ++read;
      if (!is_good(picked_[i])) bad.push_back(&picked_[i]);
      context_.work.told().advance(picked_[i].bytes);
    }
    look_.slices += read;
    look_.slices_bad += bad.size();
    for (const Picked* one : bad) {
      look_.hits.push_back({volumes_[one->volume].info.volume,
                            {one->unreadable ? FindingKind::kUnreadable : FindingKind::kDamaged,
                             paths_[one->file],
                             {{one->slice, 1}},
                             one->bytes}});
    }
    return true;
  }

  bool is_good(Picked& one) {
    if (buffer_.size() < one.bytes) buffer_ = core::AlignedBuffer(core::round_up(one.bytes, io::kSector));
    const core::MutableByteSpan room = buffer_.span().first(core::round_up(one.bytes, io::kSector));  // no neighbour's
    const io::Path path = drive_.volume_folder(volumes_[one.volume]) / paths_[one.file];
    try {
      const auto file = context_.fs.open_read(path, io::ReadMode::kDirect);
      const auto fits = [&] {
        const std::size_t got = std::min<std::uint64_t>(file->read_at(one.offset, room), one.bytes);
        return got == one.bytes && digest::sha256(room.first(got)) == one.wanted;
      };
      return fits() || fits();
    } catch (const Error& error) {
      if (ends_all(error)) throw;
      one.unreadable = io::is_read_error(error);
      return false;
    }
  }

  Context& context_;
  const AttachedDrive& drive_;
  const std::vector<catalog::Volume>& volumes_;
  const std::function<bool()>& stop_;
  FirstLook look_;
  std::vector<Picked> picked_;  // ascending
  std::vector<std::string> paths_;
  core::AlignedBuffer buffer_;
};

}  // namespace

std::uint64_t FirstLook::one_in() const {
  if (slices == 0) return 0;
  // n slices miss a share f of bad ones with (1 - f)^n: that is 1 % for f = 1 - 0.01^(1/n).
  const double share = -std::expm1(std::log(0.01) / static_cast<double>(slices));
  return static_cast<std::uint64_t>(1 / share + 0.5);
}

FirstLook look_first(Context& context, const AttachedDrive& drive, const std::vector<catalog::Volume>& volumes,
                     const std::function<bool()>& stop) {
  return Looking(context, drive, volumes, stop).run();
}

}  // namespace darkshelf::rituals
