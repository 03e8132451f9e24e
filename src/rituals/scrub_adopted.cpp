#include "rituals/scrub_adopted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "photo/record.hpp"
#include "rituals/adopt_known.hpp"
#include "rituals/adopt_read.hpp"
#include "rituals/adopt_scan.hpp"
#include "rituals/adopted_drive.hpp"
#include "rituals/findings.hpp"
#include "rituals/protect.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Error;

namespace {

// Between two looks at the clock and at Ctrl-C.
constexpr std::size_t kBatchFiles = 128;
constexpr std::uint64_t kBatchBytes = std::uint64_t{256} << 20;

class Checking {
 public:
  Checking(Context& context, const AttachedDrive& drive, catalog::Scrub& record, bool resumed,
           const std::function<bool()>& stop)
      : context_(context),
        drive_(drive),
        record_(record),
        resumed_(resumed),
        stop_(stop),
        reader_(context, nullptr),
        pool_({1, {}, std::uint64_t{1} << 30, {}}) {}

  AdoptedCheck run() {
    for (Due& due : oldest_first()) check(due);
    if (out_.not_read == 0 && out_.any() && !stop_()) look_for_new_files();
    out_.bytes_read = reader_.bytes_read();
    return std::move(out_);
  }

 private:
  struct Due {
    catalog::Volume volume;
    catalog::Copy copy;
    std::vector<SliceRange> unread;
  };

  std::vector<Due> oldest_first() {
    std::vector<Due> order;
    for (catalog::Volume& volume : context_.catalog.volumes_on(drive_.drive.id, catalog::Volumes::kAdopted)) {
      const auto copy = copy_on(context_.catalog, volume.info.volume, drive_.drive.id);
      if (!copy) continue;
      if (copy->names_only) {
        ++out_.names_only;
        remember(volume, *copy);
        continue;
      }
      Due due{std::move(volume), *copy, {}};
      if (resumed_ && copy->health == catalog::CopyHealth::kGood) {
        due.unread = context_.catalog.unread_in(*record_.check, due.volume, drive_.drive.id).slices;
      } else {
        due.unread = {{0, due.volume.info.slices}};
      }
      order.push_back(std::move(due));
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const Due& a, const Due& b) { return a.copy.checked < b.copy.checked; });
    return order;
  }

  std::string below_root(const catalog::Copy& copy, const std::string& member) const {
    return adopted_file({}, copy, member).string();
  }

  void remember(const catalog::Volume& volume, const catalog::Copy& copy) {
    for (const fv::Member& member : context_.catalog.members_of(volume.info.volume))
      known_.insert(below_root(copy, member.path));
  }

  void check(Due& due) {
    const catalog::Volume& volume = due.volume;
    if (due.unread.empty()) {
      ++out_.read_before;
      out_.photos += volume.info.photos;
      out_.files += volume.info.content_files;
      return remember(volume, due.copy);
    }
    if (stop_()) {
      ++out_.not_read;
      return;
    }
    std::vector<fv::Member> members = context_.catalog.members_of(volume.info.volume);
    for (const fv::Member& member : members) known_.insert(below_root(due.copy, member.path));
    std::erase_if(members, [](const fv::Member& member) { return member.type != fv::MemberType::kFile; });
    context_.work.told().begin(fmt::format("checking {}", core::printable(volume.info.title)), volume.bytes_on_drive);
    const std::size_t before = out_.findings.size();
    bool whole = true;
    std::uint64_t missing = 0;
    for (const SliceRange& range : due.unread) {
      std::uint32_t next = range.first;
      const std::uint32_t end = std::min(range.first + range.count, static_cast<std::uint32_t>(members.size()));
      while (next < end && !(next > range.first && stop_())) {
        const std::uint32_t first = next;
        std::uint64_t bytes = 0;
        while (next < end && next - first < kBatchFiles && (next == first || bytes < kBatchBytes))
          bytes += members[next++].bytes;
        missing += compare(due, members, first, next);
      }
      whole = whole && next == end;
      const auto real = std::any_of(out_.findings.begin() + static_cast<std::ptrdiff_t>(before), out_.findings.end(),
                                    [](const AdoptedFinding& finding) { return !finding.edited; });
      const auto health = !real                       ? catalog::CopyHealth::kGood
                          : missing == members.size() ? catalog::CopyHealth::kMissing
                                                      : catalog::CopyHealth::kUnrepairable;
      const bool last = whole && &range == &due.unread.back();
      record_.volumes.push_back({volume.info.volume, range.first, next - range.first, last, health});
      if (!whole) break;
    }
    context_.work.told().end();
    if (!whole) {
      ++out_.not_read;
      return;
    }
    ++out_.volumes;
    out_.photos += volume.info.photos;
    out_.files += volume.info.content_files;
    core::stop_point("scrub.adopted-read");
  }

  /// Returns how many are missing.
  std::uint64_t compare(const Due& due, const std::vector<fv::Member>& members, std::uint32_t first,
                        std::uint32_t end) {
    std::vector<FileToRead> files;
    std::vector<const fv::Member*> of;
    std::uint64_t missing = 0;
    for (std::uint32_t i = first; i < end; ++i) {
      const io::Path path = adopted_file(drive_.root, due.copy, members[i].path);
      const io::Looked there = io::look_at(context_.fs, path);
      if (there.is(io::FileType::kRegular)) {
        files.push_back({path, members[i].path, false, false, {}, false, false});
        of.push_back(&members[i]);
        continue;
      }
      ++missing;
      AdoptedFinding finding;
      finding.path = below_root(due.copy, members[i].path);
      finding.shoot = due.volume.info.shoot;
      finding.kind = there.unreadable ? FindingKind::kUnreadable : FindingKind::kMissing;
      tell(due, members[i], std::move(finding));
    }
    const std::vector<FileRead> results = reader_.read(files);
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i].problem.empty() && results[i].sha256 == of[i]->sha256) continue;
      judge(due, *of[i], files[i], results[i]);
    }
    return missing;
  }

  /// A mismatch is read again before it is believed, and the picture in it is compared then.
  void judge(const Due& due, const fv::Member& member, const FileToRead& file, const FileRead& first) {
    AdoptedFinding finding{below_root(due.copy, member.path),
                           due.volume.info.shoot,
                           FindingKind::kUnreadable,
                           false,
                           first.problem,
                           {},
                           {}};
    if (first.problem.empty()) {
      FileToRead again = file;
      again.picture = volume::is_picture(file.path.filename().string());
      const FileRead second = FileReader(context_, &pool_).read({again}).front();
      if (second.problem.empty() && second.sha256 == member.sha256) {
        ++out_.healed;
        return;
      }
      finding.reason = second.problem;
      if (second.problem.empty()) {
        const bool dated = !same_time(second.stat.mtime_ns, member.mtime_ns) || second.stat.bytes != member.bytes;
        const auto image = photo::record_from_json(member.photo).image;
        finding.kind = dated ? FindingKind::kChanged : FindingKind::kDamaged;
        finding.edited = image ? second.extract.digest && *image == *second.extract.digest : dated && !again.picture;
        if (finding.edited) finding.kind = FindingKind::kChanged;
      }
    }
    tell(due, member, std::move(finding));
  }

  void tell(const Due& due, const fv::Member& member, AdoptedFinding finding) {
    if (!finding.edited) {
      const io::Path set = protection_of(drive_.root, due.copy.folder);
      if (io::look_at(context_.fs, set).stat) finding.protection = set.string();
      std::set<std::string> labels;
      for (const catalog::FoundFile& other : context_.catalog.by_sha256(member.sha256)) {
        for (const catalog::Copy& copy : context_.catalog.copies_of(other.volume)) {
          if (copy.drive == drive_.drive.id || copy.names_only || copy.health != catalog::CopyHealth::kGood) continue;
          if (const auto drive = context_.catalog.drive(copy.drive)) labels.insert(drive->label);
        }
      }
      finding.elsewhere.assign(labels.begin(), labels.end());
      FileFinding recorded;
      recorded.kind = finding.kind;
      recorded.bytes = member.bytes;
      add_finding(record_, due.volume.info.volume, finding.path, recorded,
                  volume::is_picture(member.path.substr(member.path.rfind('/') + 1)) ? 1 : 0);
    }
    out_.findings.push_back(std::move(finding));
  }

  void look_for_new_files() {
    for (const FoundShoot& found : find_all(context_.fs, drive_.root, 0U, "drive", context_.work)) {
      for (const volume::SourceEntry& entry : found.source.entries) {
        if (entry.member.type != fv::MemberType::kFile && entry.member.type != fv::MemberType::kHardLink) continue;
        const std::string path = entry.member.path.substr(entry.member.path.find('/') + 1);
        if (!known_.contains(path)) out_.added.push_back(path);
      }
    }
  }

  Context& context_;
  const AttachedDrive& drive_;
  catalog::Scrub& record_;
  const bool resumed_;
  const std::function<bool()>& stop_;
  FileReader reader_;
  photo::Pool pool_;
  std::set<std::string> known_;  // below the root
  AdoptedCheck out_;
};

}  // namespace

bool AdoptedCheck::damage() const {
  return std::any_of(findings.begin(), findings.end(), [](const AdoptedFinding& one) { return !one.edited; });
}

bool AdoptedCheck::unreadable() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const AdoptedFinding& one) { return one.kind == FindingKind::kUnreadable; });
}

bool AdoptedCheck::is_elsewhere() const {
  return std::all_of(findings.begin(), findings.end(),
                     [](const AdoptedFinding& one) { return one.edited || !one.elsewhere.empty(); });
}

AdoptedCheck check_adopted(Context& context, const AttachedDrive& drive, catalog::Scrub& record, bool resumed,
                           const std::function<bool()>& stop) {
  return Checking(context, drive, record, resumed, stop).run();
}

}  // namespace darkshelf::rituals
