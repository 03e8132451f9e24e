#include "rituals/scrub.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "core/text.hpp"
#include "io/paths.hpp"
#include "rituals/catalog_copies.hpp"
#include "rituals/drives.hpp"
#include "rituals/findings.hpp"
#include "rituals/payload_reader.hpp"
#include "rituals/service_files.hpp"
#include "rituals/twins.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::chrono::hours kGoOnWithin{24 * 30};

class Scrubbing {
 public:
  Scrubbing(Context& context, const ScrubRequest& request)
      : context_(context),
        request_(request),
        drive_(attach(context, request.drive, request.read_only ? Visit::kReadOnly : Visit::kCheck)) {}

  ScrubReport run() {
    report_.drive = drive_.drive;
    report_.root = drive_.root;
    report_.only_adopted = drive_.adopted;
    report_.read_only = !drive_.identity_unreadable && drive_.is_read_only(context_.fs);
    report_.wear = look_at_wear(context_, drive_);
    const auto began = std::chrono::steady_clock::now();
    record_.id = context_.world.new_id();
    record_.drive = drive_.drive.id;
    record_.started = context_.world.now();
    record_.check = record_.id;
    if (!request_.full) go_on_with_unfinished_check();
    const auto stop = [&] {
      return cancelled() || (request_.budget && std::chrono::steady_clock::now() - began > *request_.budget);
    };
    if (drive_.identity_unreadable) tell(FindingKind::kUnreadable, std::string(fd::kIdentity));
    try {
      for (const catalog::Volume& volume : context_.catalog.volumes_on(drive_.drive.id)) {
        if (const auto wrong = examine_second_seal(context_, drive_, volume)) tell(wrong->kind, wrong->path);
      }
      take_first_look(began);
      for (Due& due : oldest_checked_first()) scrub_volume(std::move(due), stop);
      report_.adopted = check_adopted(context_, drive_, record_, report_.since.has_value(), stop);
      report_.bytes_read += report_.adopted.bytes_read;
      if (!cancelled() && !drive_.adopted) look_around();
      if (!cancelled()) report_.wear = look_again(context_, drive_, std::move(report_.wear));
    } catch (const Error& error) {
      if (error.code() != Code::kCancelled) throw;
      record(false);
      throw stopped();
    }
    report_.took = std::chrono::steady_clock::now() - began;
    report_.unreadable = context_.fs.unreadable_below(drive_.root);
    record(!cancelled());
    if (cancelled()) throw stopped();
    return std::move(report_);
  }

 private:
  /// A volume and what of it this check has not read yet.
  struct Due {
    core::Time checked{};
    catalog::CopyHealth health = catalog::CopyHealth::kGood;
    catalog::Volume volume;
    catalog::Unread unread;
  };

  static bool is_whole(const Due& due) {
    const auto& slices = due.unread.slices;
    return due.unread.everything_else &&
           (due.volume.info.slices == 0 || (slices.size() == 1 && slices.front().count == due.volume.info.slices));
  }

  bool cancelled() const { return context_.work.cancel != nullptr && context_.work.cancel->requested(); }

  void go_on_with_unfinished_check() {
    std::optional<core::Uuid> check;
    for (const catalog::Scrub& scrub : context_.catalog.scrubs(drive_.drive.id)) {  // newest first
      if (!scrub.check) continue;
      if (!check) {
        if (scrub.complete) return;
        check = scrub.check;
      }
      if (scrub.id != *check) continue;
      const bool recent = scrub.started <= record_.started && record_.started - scrub.started < kGoOnWithin;
      if (!recent) return;
      record_.check = check;
      report_.since = scrub.started;
      return;
    }
  }

  std::vector<Due> oldest_checked_first() {
    std::vector<Due> order;
    for (catalog::Volume& volume : context_.catalog.volumes_on(drive_.drive.id)) {
      Due due;
      for (const catalog::Copy& copy : context_.catalog.copies_of(volume.info.volume)) {
        if (copy.drive != drive_.drive.id) continue;
        if (copy.checked) due.checked = *copy.checked;
        due.health = copy.health;
      }
      // What is known as bad is read whole: only that tells whether it still is.
      if (report_.since && due.health == catalog::CopyHealth::kGood) {
        due.unread = context_.catalog.unread_in(*record_.check, volume, drive_.drive.id);
      } else if (volume.info.slices > 0) {
        due.unread.slices = {{0, volume.info.slices}};
      }
      due.volume = std::move(volume);
      order.push_back(std::move(due));
    }
    // What the first look found bad is told first.
    std::stable_sort(order.begin(), order.end(), [&](const Due& a, const Due& b) {
      const bool a_hit = is_hit(a.volume.info.volume), b_hit = is_hit(b.volume.info.volume);
      return std::tie(b_hit, a.checked) < std::tie(a_hit, b.checked);
    });
    return order;
  }

  bool is_hit(const core::Uuid& volume) const {
    const FirstLook& look = report_.first_look;
    return std::find(look.unsound_lists.begin(), look.unsound_lists.end(), volume) != look.unsound_lists.end() ||
           std::any_of(look.hits.begin(), look.hits.end(), [&](const auto& hit) { return hit.volume == volume; });
  }

  /// Takes a tenth of a visit that is limited, at most.
  void take_first_look(std::chrono::steady_clock::time_point began) {
    std::vector<catalog::Volume> volumes = context_.catalog.volumes_on(drive_.drive.id);
    std::uint64_t bytes = 0;
    for (const catalog::Volume& volume : volumes) bytes += volume.bytes_on_drive;
    if (bytes <= request_.look_first_above) return;
    std::stable_sort(volumes.begin(), volumes.end(), [](const catalog::Volume& a, const catalog::Volume& b) {
      return a.info.sealed < b.info.sealed;  // as they lie there
    });
    report_.first_look = look_first(context_, drive_, volumes, [&] {
      context_.work.check();
      return request_.budget && std::chrono::steady_clock::now() - began > *request_.budget / 10;
    });
    if (request_.on_first_look) request_.on_first_look(drive_.drive, report_.first_look);
  }

  /// Bad slices of the first look that this visit did not get to: what it read of them since is news.
  void record_hits() {
    const std::vector<catalog::ScrubbedVolume> since = record_.volumes;
    for (const FirstLook::Hit& hit : report_.first_look.hits) {
      const std::uint32_t slice = hit.finding.slices.front().first;
      const bool read = std::any_of(since.begin(), since.end(), [&](const catalog::ScrubbedVolume& one) {
        return one.volume == hit.volume && one.first_slice <= slice && slice < one.first_slice + one.slice_count;
      });
      const auto volume = context_.catalog.volume(hit.volume);
      if (read || !volume) continue;
      record_.volumes.push_back({hit.volume, 0, 0, false, catalog::CopyHealth::kDamaged});
      add_finding(record_, hit.volume, fmt::format("{}/{}/{}", fd::kFolder, volume->folder, hit.finding.path),
                  hit.finding, 0);
      report_.known_damage = true;
      report_.known_failing |= hit.finding.kind == FindingKind::kUnreadable;
    }
  }

  /// What Ctrl-C is answered with.
  Error stopped() const {
    const std::string where = core::printable(drive_.drive.label);
    std::string sentence = report_.photos + report_.read_before.size() + report_.adopted.photos == 0
                               ? fmt::format("stopped before a volume of {} was read to the end", where)
                               : fmt::format("stopped; of {}, {} in {} read to the end{}", where,
                                             core::count_of(report_.photos + report_.adopted.photos, "photo"),
                                             core::count_of(report_.volumes.size() + report_.read_before.size() +
                                                                report_.adopted.volumes + report_.adopted.read_before,
                                                            "volume was", "volumes were"),
                                             report_.damage() ? "" : ", and all of that is intact");
    if (report_.damage())
      sentence += fmt::format("; damage was found, see: darkshelf show {}", core::shell_quote(where));
    return Error(Code::kCancelled, sentence);
  }

  void scrub_volume(Due due, const std::function<bool()>& stop) {
    catalog::Volume& volume = due.volume;
    const io::Path folder = drive_.volume_folder(volume);
    const bool read_before = due.unread.nothing();
    if (!read_before && stop()) {
      report_.known_damage |= due.health != catalog::CopyHealth::kGood;
      report_.known_failing |= is_known_as_unreadable(volume);
      return report_.not_read.push_back(std::move(volume));
    }
    report_.read_in_part |= !read_before && !is_whole(due);
    const Portion portion{due.unread.slices, due.unread.everything_else, stop};
    context_.work.told().begin(fmt::format("checking {}", volume.folder), volume.bytes_on_drive);
    Examination examination = examine(context_, folder, volume.info.volume, known_seal(volume), Depth::kEverything,
                                      io::ReadMode::kDirect, {}, &portion);
    context_.work.told().end();
    if (!examination.loaded) all_photos_hit(volume, examination);
    report_.bytes_read += examination.bytes_read;
    report_.photos_hit += examination.photos_hit_count;
    for (const FileFinding& finding : examination.findings) {
      if (finding.kind != FindingKind::kHealed) continue;
      for (const SliceRange& range : finding.slices) report_.healed += range.count;
      report_.healed += finding.slices.empty() ? 1 : 0;
    }
    report_.contradicts_seal |= is_changed(examination);
    add_findings(record_, volume, examination);
    if (read_before && health_of(examination) == catalog::CopyHealth::kGood)
      return report_.read_before.push_back(std::move(volume));
    add_reads(volume, examination);
    std::string renewal;
    if (!examination.repairable() || is_changed(examination)) {
      const HelpingDrive helper = helper_for(context_, volume, drive_.drive, {drive_.drive.id}, examination, false);
      if (!helper.command.empty()) renewal = fmt::format("{}   ({})", helper.command, helper.who);
    }
    if (examination.stopped) {
      report_.not_read.push_back(volume);
      if (examination.findings.empty()) return;
    }
    report_.photos += volume.info.photos;
    report_.volumes.push_back({std::move(volume), std::move(examination), std::move(renewal)});
    core::stop_point("scrub.volume-read");
  }

  bool is_known_as_unreadable(const catalog::Volume& volume) {
    const std::vector<catalog::Finding> open = context_.catalog.open_findings(drive_.drive.id);
    return std::any_of(open.begin(), open.end(), [&](const catalog::Finding& finding) {
      return finding.volume == volume.info.volume && finding.kind == name_of(FindingKind::kUnreadable);
    });
  }

  void add_reads(const catalog::Volume& volume, const Examination& examination) {
    std::vector<SliceRange> read = examination.read;
    if (!examination.loaded) read = {{0, volume.info.slices}};  // a verdict on all of it
    if (read.empty()) read.push_back({0, 0});
    for (std::size_t i = 0; i < read.size(); ++i) {
      const bool rest = i + 1 == read.size() && examination.everything_else_read;
      record_.volumes.push_back({volume.info.volume, read[i].first, read[i].count, rest, health_of(examination)});
    }
  }

  /// Nothing of the volume can be told from the drive: every photo of it is in question.
  void all_photos_hit(const catalog::Volume& volume, Examination& examination) {
    for (fv::Member& member : context_.catalog.members_of(volume.info.volume)) {
      if (member.type == fv::MemberType::kFile) examination.photos_hit.push_back(std::move(member));
    }
    examination.photos_hit_count = volume.info.photos;
  }

  void tell(FindingKind kind, const std::string& path) { tell({kind, path, {}, 0}); }
  void tell(const FileFinding& finding) {
    const bool told =
        std::any_of(report_.drive_findings.begin(), report_.drive_findings.end(),
                    [&](const FileFinding& one) { return one.kind == finding.kind && one.path == finding.path; });
    if (told) return;  // a folder that cannot be read is met with by whoever looks into it
    add_finding(record_, {}, finding.path, finding, 0);
    report_.drive_findings.push_back(finding);
  }

  /// Nothing of a folder that cannot be read, or that is none.
  std::vector<io::Entry> entries_of(const io::Path& folder) {
    if (!io::look_at(context_.fs, folder).is(io::FileType::kDirectory)) return {};
    if (auto entries = io::list_if_readable(context_.fs, folder)) return std::move(*entries);
    tell(FindingKind::kUnreadable, below_root(folder));
    return {};
  }

  /// Outside of the volumes: the second copies of the seals, volumes nobody knows, half-made ones, an unfinished
  /// repair.
  void look_around() {
    io::FileSystem& fs = context_.fs;
    std::set<io::Path> known;
    if (!drive_.lock) note_unknown_facts(context_, drive_);
    const auto keys = context_.catalog.keys();
    std::vector<shelf::Link> unknown;
    for (const catalog::Volume& volume : context_.catalog.volumes_on(drive_.drive.id)) {
      known.insert(drive_.volume_folder(volume));
      if (io::look_at(fs, drive_.volume_folder(volume)).stat) check_signature(volume, keys);
    }
    std::vector<io::Path> unreadable;
    for (const io::Path& folder : volume::volume_folders(fs, drive_.root, &unreadable)) {
      if (known.contains(folder)) continue;
      tell(FindingKind::kForeign, below_root(folder));
      auto link = link_at(context_, folder);
      if (auto misplaced = link ? misplaced_volume(context_, drive_, folder, *link) : std::nullopt) {
        report_.misplaced.push_back(std::move(*misplaced));
        continue;
      }
      ++report_.unknown_volumes;
      if (link) unknown.push_back(std::move(*link));
    }
    check_chains(unknown);
    for (const io::Path& folder : unreadable) {  // of a known volume its own examination tells
      if (!known.contains(folder)) tell(FindingKind::kUnreadable, below_root(folder));
    }
    report_.unfinished_repair = !entries_of(drive_.root / std::string(fd::kJournal)).empty();
    const io::Path incoming = drive_.root / std::string(fd::kIncoming);
    for (const io::Entry& entry : entries_of(incoming)) tell(FindingKind::kForeign, below_root(incoming / entry.name));
    // At the root of a drive such things are in order: every file system keeps its own there.
    for (const auto& found : {find_strangers(context_, drive_), examine_service_files(context_, drive_)}) {
      for (const FileFinding& finding : found) tell(finding);
    }
  }

  std::string below_root(const io::Path& path) const { return io::below(path, drive_.root); }

  void check_signature(const catalog::Volume& volume, const std::vector<catalog::KnownKey>& keys) {
    DriveSignature found = examine_signature(context_, drive_.root, drive_.drive.id, volume, keys);
    if (found.new_here)
      context_.catalog.record_signature(volume.info.volume, drive_.drive.id,
                                        formats::minisig::decode_signature(found.good));
    for (const FileFinding& finding : found.findings) {
      report_.contradicts_seal |= finding.kind == FindingKind::kChanged;
      tell(finding.kind, finding.path);
    }
    report_.signatures.push_back({volume, std::move(found.view), found.elsewhere});
  }

  /// What lies there stands in rows of seals; of those it is told what is missing or too much.
  void check_chains(const std::vector<shelf::Link>& unknown) {
    std::set<core::Uuid> writers, here;
    for (const catalog::Volume& volume : context_.catalog.volumes_on(drive_.drive.id)) {
      writers.insert(volume.info.writer);
      here.insert(volume.info.volume);
    }
    for (const shelf::Link& link : unknown) here.insert(link.volume);
    for (shelf::ChainFinding& found : shelf::check_chains(context_.catalog, unknown)) {
      const bool of_this_drive = std::any_of(found.volumes.begin(), found.volumes.end(),
                                             [&](const core::Uuid& volume) { return here.contains(volume); });
      if (shelf::contradicts(found) ? !of_this_drive : !writers.contains(found.writer)) continue;
      report_.contradicts_seal |= shelf::contradicts(found);
      report_.chains.push_back(std::move(found));
    }
  }

  /// `to_the_end`: as far as its time went, at least.
  void record(bool to_the_end) {
    record_hits();
    record_.ended = context_.world.now();
    report_.clock_behind = context_.catalog.clock_is_behind(record_.ended);
    record_.complete = to_the_end && report_.not_read.empty() && report_.adopted.not_read == 0;
    count_litter();
    context_.catalog.record_scrub(record_);
    core::stop_point("scrub.recorded");
    // What is not ours harms nothing; but a drive with volumes nobody knows here carries a catalog that knows them.
    const bool clean = to_the_end && !report_.unfinished_repair && !report_.known_damage &&
                       report_.unknown_volumes == 0 && !report_.damage() && !report_.adopted.damage() &&
                       !report_.wear.failing();
    if (clean && !request_.read_only && drive_.lock) {
      report_.not_refreshed = try_to_refresh(context_, drive_);
      report_.catalog_refreshed = report_.not_refreshed.empty();
    }
  }

  /// What earlier visits saw and told is still open; before this visit is recorded.
  void count_litter() {
    std::set<std::string> seen;
    const std::string litter(name_of(FindingKind::kLitter));
    for (const catalog::Finding& finding : context_.catalog.open_findings(drive_.drive.id)) {
      if (finding.kind == litter) seen.insert(finding.path);
    }
    for (const catalog::Finding& finding : record_.findings) {
      if (finding.kind != litter) continue;
      ++report_.litter;
      if (!seen.contains(finding.path)) ++report_.new_litter;
    }
  }

  Context& context_;
  const ScrubRequest& request_;
  AttachedDrive drive_;
  ScrubReport report_;
  catalog::Scrub record_;
};

}  // namespace

ScrubReport scrub(Context& context, const ScrubRequest& request) { return Scrubbing(context, request).run(); }

}  // namespace darkshelf::rituals
