#include "rituals/scrub.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "rituals/copy.hpp"
#include "rituals/drives.hpp"
#include "rituals/payload_reader.hpp"
#include "rituals/service_files.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

/// A finding that only tells of something beside the archive.
bool is_harmless(FindingKind kind) { return kind == FindingKind::kLitter || kind == FindingKind::kForeign; }

catalog::CopyHealth health_of(const Examination& examination) {
  if (!examination.loaded) {
    const bool missing = !examination.findings.empty() && examination.findings.front().kind == FindingKind::kMissing;
    return missing ? catalog::CopyHealth::kMissing : catalog::CopyHealth::kUnrepairable;
  }
  const bool sound = std::all_of(examination.findings.begin(), examination.findings.end(),
                                 [](const FileFinding& f) { return is_harmless(f.kind); });
  if (sound) return catalog::CopyHealth::kGood;
  return examination.repairable() ? catalog::CopyHealth::kDamaged : catalog::CopyHealth::kUnrepairable;
}

class Scrubbing {
 public:
  Scrubbing(Context& context, const ScrubRequest& request)
      : context_(context),
        request_(request),
        drive_(attach(context, request.drive, request.read_only ? Visit::kReadOnly : Visit::kWrite)) {}

  ScrubReport run() {
    report_.drive = drive_.drive;
    report_.root = drive_.root;
    const auto began = std::chrono::steady_clock::now();
    record_.id = context_.world.new_id();
    record_.drive = drive_.drive.id;
    record_.started = context_.world.now();
    for (catalog::Volume& volume : oldest_checked_first()) {
      const bool used_up = request_.budget && std::chrono::steady_clock::now() - began > *request_.budget;
      if (used_up) {
        report_.not_read.push_back(std::move(volume));
      } else {
        scrub_volume(std::move(volume));
      }
    }
    look_around();
    report_.took = std::chrono::steady_clock::now() - began;
    record();
    return std::move(report_);
  }

 private:
  std::vector<catalog::Volume> oldest_checked_first() {
    std::vector<std::pair<core::Time, catalog::Volume>> order;
    for (catalog::Volume& volume : context_.catalog.volumes_on(drive_.drive.id)) {
      core::Time checked{};
      for (const catalog::Copy& copy : context_.catalog.copies_of(volume.info.volume)) {
        if (copy.drive == drive_.drive.id && copy.checked) checked = *copy.checked;
      }
      order.emplace_back(checked, std::move(volume));
    }
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<catalog::Volume> volumes;
    for (auto& [checked, volume] : order) volumes.push_back(std::move(volume));
    return volumes;
  }

  void scrub_volume(catalog::Volume volume) {
    context_.work.told().begin(fmt::format("checking {}", volume.folder), volume.bytes_on_drive);
    Examination examination = examine(context_, drive_.volume_folder(volume), volume.info.volume, known_seal(volume),
                                      Depth::kEverything, io::ReadMode::kDirect);
    context_.work.told().end();
    if (!examination.loaded) all_photos_hit(volume, examination);
    report_.bytes_read += examination.bytes_read;
    report_.photos += volume.info.photos;
    report_.photos_hit += examination.photos_hit_count;
    for (const FileFinding& finding : examination.findings) {
      report_.contradicts_seal |= finding.kind == FindingKind::kChanged;
      add_finding(volume.info.volume,
                  std::string(fd::kFolder) + "/" + volume.folder + (finding.path.empty() ? "" : "/" + finding.path),
                  finding, examination);
    }
    record_.volumes.push_back({volume.info.volume, 0, volume.info.slices, true, health_of(examination)});
    std::string renewal = examination.repairable() ? "" : how_to_renew(context_, volume, drive_.drive);
    report_.volumes.push_back({std::move(volume), std::move(examination), std::move(renewal)});
  }

  /// Nothing of the volume can be told from the drive: every photo of it is in question.
  void all_photos_hit(const catalog::Volume& volume, Examination& examination) {
    for (fv::Member& member : context_.catalog.members_of(volume.info.volume)) {
      if (member.type == fv::MemberType::kFile) examination.photos_hit.push_back(std::move(member));
    }
    examination.photos_hit_count = volume.info.photos;
  }

  void add_finding(const std::optional<core::Uuid>& volume, const std::string& path, const FileFinding& finding,
                   const Examination& examination) {
    const auto record = [&](std::uint64_t first, std::uint64_t count) {
      catalog::Finding out;
      out.drive = drive_.drive.id;
      out.volume = volume;
      out.kind = name_of(finding.kind);
      out.path = path;
      out.first = first;
      out.count = count;
      out.detail = fmt::format("{{\"photos\":{},\"bytes\":{}}}", examination.photos_hit_count, finding.bytes);
      record_.findings.push_back(std::move(out));
    };
    if (finding.slices.empty()) record(0, finding.bytes);
    for (const SliceRange& range : finding.slices) record(range.first, range.count);
  }

  void tell(FindingKind kind, const std::string& path) {
    const FileFinding finding{kind, path, {}, 0};
    add_finding({}, path, finding, Examination{});
    report_.drive_findings.push_back(finding);
  }

  /// Outside of the volumes: the second copies of the seals, volumes nobody knows, half-made ones, an unfinished
  /// repair.
  void look_around() {
    io::FileSystem& fs = context_.fs;
    std::set<io::Path> known;
    for (const catalog::Volume& volume : context_.catalog.volumes_on(drive_.drive.id)) {
      known.insert(drive_.volume_folder(volume));
      check_second_seal(volume);
    }
    for (const io::Path& folder : volume::volume_folders(fs, drive_.root)) {
      if (known.contains(folder)) continue;
      ++report_.unknown_volumes;
      tell(FindingKind::kForeign, below_root(folder));
    }
    const io::Path journal = drive_.root / std::string(fd::kJournal);
    if (const auto stat = fs.stat(journal); stat && stat->type == io::FileType::kDirectory)
      report_.unfinished_repair = !fs.list(journal).empty();
    const io::Path incoming = drive_.root / std::string(fd::kIncoming);
    if (const auto stat = fs.stat(incoming); stat && stat->type == io::FileType::kDirectory) {
      for (const io::Entry& entry : fs.list(incoming)) tell(FindingKind::kForeign, below_root(incoming / entry.name));
    }
    // At the root of a drive such things are in order: every file system keeps its own there.
    for (const auto& found : {find_strangers(context_, drive_), examine_service_files(context_, drive_)}) {
      for (const FileFinding& finding : found) {
        add_finding({}, finding.path, finding, Examination{});
        report_.drive_findings.push_back(finding);
      }
    }
  }

  std::string below_root(const io::Path& path) const {
    return path.string().substr(drive_.root.string() == "/" ? 1 : drive_.root.string().size() + 1);
  }

  void check_second_seal(const catalog::Volume& volume) {
    const std::string below = fmt::format("{}/{}/{}", fd::kSeals, volume.info.volume.text(), fv::kTagManifest);
    const io::Path path = drive_.root / below;
    const auto stat = context_.fs.stat(path);
    if (!stat || stat->type != io::FileType::kRegular) return tell(FindingKind::kMissing, below);
    try {
      const std::string text = io::read_text(context_.fs, path, volume.tagmanifest.size() + 1, io::ReadMode::kDirect);
      if (digest::sha256(core::as_bytes(text)) != volume.seal) tell(FindingKind::kDamaged, below);
    } catch (const Error& error) {
      if (ends_all(error)) throw;
      tell(io::is_read_error(error) ? FindingKind::kUnreadable : FindingKind::kDamaged, below);
    }
  }

  void record() {
    record_.ended = context_.world.now();
    record_.complete = report_.not_read.empty();
    context_.catalog.record_scrub(record_);
    core::stop_point("scrub.recorded");
    // What is not ours harms nothing; but a drive with volumes nobody knows here carries a catalog that knows them.
    const bool clean = !report_.unfinished_repair && report_.unknown_volumes == 0 && !report_.damage();
    if (clean && !request_.read_only && drive_.lock) {
      report_.not_refreshed = try_to_refresh(context_, drive_);
      report_.catalog_refreshed = report_.not_refreshed.empty();
    }
  }

  Context& context_;
  const ScrubRequest& request_;
  AttachedDrive drive_;
  ScrubReport report_;
  catalog::Scrub record_;
};

}  // namespace

bool ScrubReport::damage() const {
  const auto real = [](const FileFinding& finding) { return !is_harmless(finding.kind); };
  return std::any_of(drive_findings.begin(), drive_findings.end(), real) ||
         std::any_of(volumes.begin(), volumes.end(), [&](const ScrubbedCopy& copy) {
           return !copy.examination.loaded ||
                  std::any_of(copy.examination.findings.begin(), copy.examination.findings.end(), real);
         });
}

bool ScrubReport::repairable() const {
  return !contradicts_seal && std::all_of(volumes.begin(), volumes.end(),
                                          [](const ScrubbedCopy& copy) { return copy.examination.repairable(); });
}

ScrubReport scrub(Context& context, const ScrubRequest& request) { return Scrubbing(context, request).run(); }

}  // namespace darkshelf::rituals
