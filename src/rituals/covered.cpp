#include "rituals/covered.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/text.hpp"
#include "digest/digest.hpp"
#include "rituals/restore_files.hpp"
#include "rituals/source_walk.hpp"
#include "volume/scan.hpp"

namespace darkshelf::rituals {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kShown = 3;
constexpr std::size_t kBuffer = 4 << 20;

/// What content in certain volumes is worth.
struct Worth {
  Cover cover = Cover::kNever;
  std::string shoot, why;
};

/// What `vote` says of a drive, for a person.
std::string word_for(const shelf::CopyView& view) {
  const std::string label = core::printable(view.drive.label);
  switch (view.vote) {
    case shelf::Vote::kCounts:
    case shelf::Vote::kSameDisk:
      return label;
    case shelf::Vote::kOverdue:
      return label + " is overdue for a check";
    case shelf::Vote::kDamaged:
      return "damaged on " + label;
    case shelf::Vote::kNeverProven:
      return "never proven on " + label;
    case shelf::Vote::kLent:
      return fmt::format("{} is lent to {}", label, core::printable(view.drive.lent_to));
    default:
      return fmt::format("{} is {}", label, catalog::name_of(view.drive.state));
  }
}

class Judge {
 public:
  Judge(catalog::Catalog& catalog, core::Time now, const shelf::Situation& situation)
      : catalog_(catalog), policy_(shelf::policy_from(catalog.policy())) {
    const shelf::Stock stock = shelf::take_stock(catalog);
    for (const catalog::Shoot& shoot : stock.shoots) shoots_.emplace(shoot.id, shoot);
    for (const catalog::Volume& volume : stock.volumes) shoot_of_.emplace(volume.info.volume, volume.info.shoot);
    for (shelf::ShootStatus& shoot : shelf::status_of(stock, policy_, now, situation).shoots) {
      for (shelf::VolumeStatus& volume : shoot.volumes)
        copies_.emplace(volume.volume.info.volume, std::move(volume.copies));
    }
  }

  const Worth& worth(const std::vector<catalog::FoundFile>& found) {
    std::vector<core::Uuid> volumes;
    for (const catalog::FoundFile& file : found) volumes.push_back(file.volume);
    std::sort(volumes.begin(), volumes.end());
    volumes.erase(std::unique(volumes.begin(), volumes.end()), volumes.end());
    const auto [at, fresh] = worths_.try_emplace(volumes);
    if (fresh) at->second = judge(volumes);
    return at->second;
  }

 private:
  Worth judge(const std::vector<core::Uuid>& volumes) const {
    Worth worth;
    if (volumes.empty()) return worth;
    shelf::Policy wanted = policy_;
    bool kept = false;
    std::map<core::Uuid, shelf::CopyView> by_drive;  // the same content twice on one drive is there once
    for (const core::Uuid& volume : volumes) {
      const auto copies = copies_.find(volume);
      if (copies == copies_.end() || copies->second.empty()) continue;
      const catalog::Shoot& shoot = shoots_.at(shoot_of_.at(volume));
      const shelf::Policy its = shelf::wanted_for(shoot, policy_);
      if (!kept || its.copies > wanted.copies) wanted = its;  // the most that is asked for it
      if (!kept) worth.shoot = shoot.name;
      kept = true;
      for (const shelf::CopyView& view : copies->second) {
        const auto [at, fresh] = by_drive.emplace(view.drive.id, view);
        if (!fresh && better(view, at->second)) at->second = view;
      }
    }
    if (!kept) return deleted(volumes);
    std::vector<shelf::CopyView> all;
    for (auto& [drive, view] : by_drive) all.push_back(view);
    for (shelf::CopyView& view : all) {
      if (view.vote == shelf::Vote::kSameDisk) view.vote = shelf::Vote::kCounts;  // judged anew, among these
    }
    const shelf::Count count = shelf::count_copies(all, wanted);
    worth.cover = count.light == shelf::Light::kGreen ? Cover::kSafe
                  : count.counting > 0                ? Cover::kFewer
                                                      : Cover::kUncounted;
    if (worth.cover == Cover::kFewer) worth.why = lacks(count, wanted);
    if (worth.cover == Cover::kUncounted) {
      std::vector<std::string> words;
      for (const shelf::CopyView& view : all) words.push_back(word_for(view));
      std::sort(words.begin(), words.end());
      worth.why = fmt::format("{}", fmt::join(words, ", "));
    }
    return worth;
  }

  static bool better(const shelf::CopyView& a, const shelf::CopyView& b) {
    const auto counts = [](const shelf::CopyView& view) {
      return view.vote == shelf::Vote::kCounts || view.vote == shelf::Vote::kSameDisk;
    };
    if (counts(a) != counts(b)) return counts(a);
    return a.copy.checked > b.copy.checked;
  }

  static std::string lacks(const shelf::Count& count, const shelf::Policy& wanted) {
    std::vector<std::string> words;
    const auto lack = [&](unsigned have, unsigned want, const char* one, const char* many) {
      if (have < want) words.push_back(fmt::format("{} of {}", have, core::count_of(want, one, many)));
    };
    lack(count.counting, wanted.copies, "good copy", "good copies");
    lack(count.places, wanted.places, "place", "places");
    lack(count.offsite, wanted.offsite, "copy off-site", "copies off-site");
    lack(count.kinds, wanted.kinds, "kind of drive", "kinds of drives");
    return fmt::format("{}", fmt::join(words, ", "));
  }

  Worth deleted(const std::vector<core::Uuid>& volumes) const {
    Worth worth;
    worth.cover = Cover::kDiscarded;
    std::optional<catalog::Catalog::Tombstone> last;
    for (const core::Uuid& volume : volumes) {
      const auto its_shoot = shoot_of_.find(volume);
      if (its_shoot == shoot_of_.end()) continue;
      const catalog::Shoot& shoot = shoots_.at(its_shoot->second);
      const auto stone = shoot.discarded ? catalog_.tombstone_of_shoot(shoot.id) : catalog_.tombstone_of_volume(volume);
      if (!stone || (last && last->when >= stone->when)) continue;
      last = stone;
      worth.shoot = shoot.name;
      worth.why = fmt::format("{} on {}{}", shoot.discarded ? "discarded" : "the last copy was removed",
                              core::format_date_for_people(stone->when),
                              stone->reason.empty() ? "" : ": " + core::printable(stone->reason));
    }
    // Sealed, and never on any drive: a seal that was killed before its first copy.
    if (!last) return {};
    return worth;
  }

  catalog::Catalog& catalog_;
  shelf::Policy policy_;
  std::map<core::Uuid, catalog::Shoot> shoots_;
  std::map<core::Uuid, core::Uuid> shoot_of_;
  std::map<core::Uuid, std::vector<shelf::CopyView>> copies_;
  std::map<std::vector<core::Uuid>, Worth> worths_;
};

class Covering {
 public:
  Covering(io::FileSystem& fs, catalog::Catalog& catalog, const core::Work& work, Judge judge,
           const CoveredRequest& request)
      : fs_(fs), catalog_(catalog), work_(work), judge_(std::move(judge)), request_(request) {}

  CoveredReport run() {
    sizes_ = catalog_.file_sizes();
    out_.folder = folder();
    std::uint64_t total = 0;
    walk_source(fs_, out_.folder, work_, [&](const WalkedFolder& here) {
      for (const WalkedFile& file : here.files) total += is_known_size(file.stat.bytes) ? file.stat.bytes : 0;
    });
    work_.told().begin("reading", total);
    const SourceWalk walk = walk_source(fs_, out_.folder, work_, [&](const WalkedFolder& here) { look_at(here); });
    work_.told().end();
    for (const auto& [below, why] : walk.unreadable) count({below, 0, Cover::kUnreadable, "", why});
    out_.links = walk.links;
    out_.left_out = walk.left_out;
    return std::move(out_);
  }

 private:
  io::Path folder() const {
    const std::string shown = core::printable(request_.folder.string());
    const auto stat = fs_.stat_following(request_.folder);
    if (!stat)
      throw Error(Code::kNotFound, fmt::format("there is no folder {}", shown), "look at how it is called (ls)");
    if (stat->type != io::FileType::kDirectory)
      throw Error(Code::kUsage, fmt::format("{} is a file", shown),
                  fmt::format("name the folder it lies in; where one file is: darkshelf where {}",
                              core::shell_quote(request_.folder.filename().string())));
    const io::Path folder = fs_.canonical(request_.folder);
    refuse_archive_around(fs_, folder);
    return folder;
  }

  bool is_known_size(std::uint64_t bytes) const { return std::binary_search(sizes_.begin(), sizes_.end(), bytes); }

  /// A photo is all pictures of a folder that differ in their ending alone, and as safe as the worst of them.
  void look_at(const WalkedFolder& here) {
    std::map<std::string, Cover> photos;
    for (const WalkedFile& file : here.files) {
      const CoveredFile covered = look_at(file);
      count(covered);
      if (!volume::is_picture(file.path.filename().string())) continue;
      Cover& worst = photos.try_emplace(file.below.substr(0, file.below.rfind('.')), Cover::kSafe).first->second;
      worst = std::max(worst, covered.cover);
    }
    for (const auto& [stem, cover] : photos) ++out_.counts[static_cast<std::size_t>(cover)].photos;
    out_.photos += photos.size();
  }

  CoveredFile look_at(const WalkedFile& file) {
    core::stop_point("covered.file");
    work_.check();
    CoveredFile covered{file.below, file.stat.bytes, Cover::kNever, "", ""};
    if (!is_known_size(file.stat.bytes)) return covered;
    try {
      const auto sha256 = hash(file);
      if (!sha256) {
        covered.cover = Cover::kUnreadable;
        covered.why = "it changed while it was read";
        return covered;
      }
      const Worth& worth = judge_.worth(catalog_.by_sha256(*sha256));
      covered.cover = worth.cover;
      covered.shoot = worth.shoot;
      covered.why = worth.why;
    } catch (const Error& error) {
      if (core::ends_all(error) || (error.code() != Code::kIo && !io::is_read_error(error))) throw;
      covered.cover = Cover::kUnreadable;
      covered.why = error.what();
    }
    return covered;
  }

  /// Nothing: it changed meanwhile.
  std::optional<digest::Sha256> hash(const WalkedFile& file) {
    const auto in = fs_.open_read(file.path);
    digest::Sha256Stream sha256;
    std::uint64_t offset = 0;
    for (std::size_t got = 0; (got = in->read_at(offset, buffer_.span())) != 0; offset += got) {
      work_.check();
      sha256.update(buffer_.span().first(got));
      work_.told().advance(got);
    }
    out_.bytes_read += offset;
    const io::Stat after = in->stat();
    const bool same = after.type == io::FileType::kRegular && offset == file.stat.bytes &&
                      after.mtime_ns == file.stat.mtime_ns && after.inode == file.stat.inode;
    if (!same) return {};
    return sha256.finish();
  }

  void count(const CoveredFile& file) {
    CoverCount& count = out_.counts[static_cast<std::size_t>(file.cover)];
    ++count.files;
    count.bytes += file.bytes;
    ++out_.files;
    out_.bytes += file.bytes;
    if (file.cover == Cover::kSafe) return;
    if (count.first.size() < kShown) count.first.push_back(file);
    if (request_.on_file) request_.on_file(file);
  }

  io::FileSystem& fs_;
  catalog::Catalog& catalog_;
  const core::Work& work_;
  Judge judge_;
  const CoveredRequest& request_;
  core::AlignedBuffer buffer_{kBuffer};
  std::vector<std::uint64_t> sizes_;
  CoveredReport out_;
};

}  // namespace

std::string_view name_of(Cover cover) {
  static constexpr std::string_view kNames[kCovers] = {"safe",      "fewer", "uncounted",
                                                       "discarded", "never", "unreadable"};
  return kNames[static_cast<std::size_t>(cover)];
}

CoveredReport covered(io::FileSystem& fs, catalog::Catalog& catalog, const core::Work& work, core::Time now,
                      const shelf::Situation& situation, const CoveredRequest& request) {
  return Covering(fs, catalog, work, Judge(catalog, now, situation), request).run();
}

}  // namespace darkshelf::rituals
