#include "rituals/repair.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "core/text.hpp"
#include "rituals/drives.hpp"
#include "rituals/findings.hpp"
#include "rituals/journal_proof.hpp"
#include "rituals/quarantine.hpp"
#include "rituals/repair_help.hpp"
#include "rituals/repair_journal.hpp"
#include "rituals/repair_room.hpp"
#include "rituals/service_files.hpp"
#include "rituals/signatures.hpp"
#include "rituals/twins.hpp"
#include "rituals/wear.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

Visit visit_of(const RepairRequest& request) { return request.discard_quarantine ? Visit::kWrite : Visit::kCheck; }
bool needs_nothing(const Examination& examination) { return health_of(examination) == catalog::CopyHealth::kGood; }
bool has_unreadable(const Examination& examination) {
  const auto is = [](const FileFinding& finding) { return finding.kind == FindingKind::kUnreadable; };
  return std::any_of(examination.findings.begin(), examination.findings.end(), is);
}

class Repairing {
 public:
  Repairing(Context& context, const RepairRequest& request)
      : context_(context), request_(request), drive_(attach(context, request.drive, visit_of(request))) {
    report_.drive = drive_.drive;
    require_repairable(drive_);
    journals_ = folder_of_journals(context, drive_, request.work);
    quarantine_ = drive_.root / std::string(fd::kQuarantine);
    help_.emplace(context, drive_, request);
    report_.note = help_->note();
    if (request.request) require_place_for_parcel(context.fs, *request.request);
    if (request.discard_quarantine) return;
    look_at_wear(context, drive_);
    failing_ = drive_.identity_unreadable || shelf::is_failing(context.catalog, drive_.drive.id);
  }

  RepairReport run() {
    if (request_.discard_quarantine) return discard();
    look_beside();
    if (failing_ && request_.request) refuse_request();
    try {
      for (const catalog::Volume& volume : context_.catalog.volumes_on(drive_.drive.id)) {
        context_.work.check();
        if (!failing_) mend_second_seal(volume);
        if (is_wanted(volume)) {
          repair_volume(volume);
          ++report_.checked;
        }
        if (!failing_) mend_signature(volume);
      }
    } catch (const Error& error) {
      if (error.code() != Code::kDriveGone) remove_if_empty(journals_);
      throw;
    }
    remove_if_empty(journals_);
    report_.failing = failing_;
    if (report_.complete()) refresh();
    if (request_.request) ask();
    report_.commands = help_->commands();
    return std::move(report_);
  }

 private:
  bool is_wanted(const catalog::Volume& volume) const {
    const auto is_in = [&](const std::optional<std::vector<core::Uuid>>& list) {
      return !list || std::find(list->begin(), list->end(), volume.info.volume) != list->end();
    };
    return is_in(request_.only) && is_in(help_->only());
  }

  [[noreturn]] void refuse_request() const {
    throw Error(Code::kWrongDrive,
                fmt::format("the medium of {} is failing ({}): nothing is written to it, and a parcel would not help",
                            drive_.drive.label, shelf::why_failing(context_.catalog, drive_.drive.id)),
                fmt::format("darkshelf copy {} --to ANOTHER-DRIVE   (mended on the way, from all copies plugged in)",
                            core::shell_quote(drive_.drive.label)));
  }

  void ask() {
    if (failing_) return;
    std::vector<formats::parcel::Part> parts;
    for (const RepairedVolume& volume : report_.volumes) {
      if (volume.repaired || volume.failing_medium || is_changed(volume.after)) continue;
      if (auto part = lacking(context_, drive_, volume.volume, volume.after)) parts.push_back(std::move(*part));
    }
    if (!parts.empty()) report_.request = write_request(context_, drive_, std::move(parts), *request_.request);
  }

  RepairReport discard() {
    if (context_.fs.stat(quarantine_)) {
      report_.discarded_bytes = tree_bytes(context_.fs, quarantine_);
      io::remove_tree(context_.fs, quarantine_);
      context_.fs.sync_dir(drive_.folder());
    }
    return std::move(report_);
  }

  /// Before anything is written: where the medium does not give what lies beside the volumes, nothing is.
  void look_beside() {
    const std::vector<FileFinding> beside = unreadable_beside(context_, drive_);
    failing_ |= !beside.empty();
    for (const FileFinding& finding : beside) {
      problem(fmt::format("{} cannot be read, and nothing is written to {}", finding.path, drive_.drive.label),
              Error::from_os(EIO, "read", drive_.root / finding.path));
    }
    record_damage(context_, drive_.drive, beside);
  }

  /// Writes anew what a visit writes; what of it was damaged is mended by that.
  void refresh() {
    if (failing_) return;
    std::set<std::string> damaged;
    for (const FileFinding& finding : examine_service_files(context_, drive_)) damaged.insert(finding.path);
    report_.not_refreshed = try_to_refresh(context_, drive_, damaged);
    if (report_.not_refreshed.empty()) report_.service_files = damaged.size();
    if (context_.fs.stat(of_drive(drive_, context_.world.now()))) report_.quarantine = quarantine_;
  }

  void remove_if_empty(const io::Path& folder) {
    if (!io::look_at(context_.fs, folder).stat) return;
    if (const auto entries = io::list_if_readable(context_.fs, folder); entries && entries->empty())
      context_.fs.remove_dir(folder);
  }

  /// The second copy of the seal beside the volumes is text the catalog knows. One that cannot be had keeps no volume
  /// from being mended.
  void mend_second_seal(const catalog::Volume& volume) {
    const auto wrong = examine_second_seal(context_, drive_, volume);
    if (!wrong || wrong->kind == FindingKind::kUnreadable) return;  // of that it was told before
    const io::Path path = drive_.root / wrong->path;
    try {
      if (clear_the_way(context_.fs, drive_, wrong->path, context_.world.now())) report_.quarantine = quarantine_;
      context_.fs.make_dirs(path.parent_path());
      io::write_file_durably(context_.fs, path, core::as_bytes(volume.tagmanifest));
      ++report_.second_seals;
    } catch (const Error& error) {
      if (ends_all(error)) throw;
      problem(
          fmt::format("the second copy of the seal of {} could not be written anew: {}", volume.folder, error.what()),
          error);
    }
  }

  bool is_sound_seal(const io::Path& path, const catalog::Volume& volume) {
    try {
      const auto stat = context_.fs.stat(path);
      return stat && stat->type == io::FileType::kRegular &&
             io::read_text(context_.fs, path, volume.tagmanifest.size() + 1, io::ReadMode::kDirect) ==
                 volume.tagmanifest;
    } catch (const Error& error) {
      const bool odd = error.code() == Code::kCorrupt || error.os_error() == ENOTDIR;
      if (odd) return false;
      throw;
    }
  }

  /// There is none here: the twin's goes along, as with a copy.
  void bring_signature(const catalog::Volume& volume) {
    const Elsewhere elsewhere = help_->for_volume(volume);
    if (elsewhere.twins.empty()) return;
    const std::string text = signature_to_carry(context_, volume, elsewhere.twins.front().folder);
    if (text.empty()) return;
    place_signature(context_, drive_, volume, text);
    ++report_.signatures;
  }

  /// From its second copy, or from the catalog; both files are written anew. A volume that is not what was sealed gets
  /// none.
  void mend_signature(const catalog::Volume& volume) {
    try {
      const auto keys = context_.catalog.keys();
      if (!is_sound_seal(drive_.volume_folder(volume) / std::string(fv::kTagManifest), volume)) return;
      const DriveSignature found = examine_signature(context_, drive_.root, drive_.drive.id, volume, keys);
      if (found.findings.empty()) {
        if (found.view.state == SignatureState::kUnsigned) bring_signature(volume);
        return;
      }
      if (found.good.empty()) return no_signature(volume, found);
      if (std::any_of(found.findings.begin(), found.findings.end(),
                      [](const FileFinding& finding) { return finding.kind == FindingKind::kUnreadable; }))
        throw Error::from_os(EIO, "read", drive_.root / found.findings.front().path);
      place_signature(context_, drive_, volume, found.good);
      ++report_.signatures;
    } catch (const Error& error) {
      if (ends_all(error)) throw;
      problem(fmt::format("the signature of {} could not be written anew: {}", volume.folder, error.what()), error);
    }
  }

  void no_signature(const catalog::Volume& volume, const DriveSignature& found) {
    report_.problems.push_back(
        {fmt::format("{}: {}, and no true one is known", volume.folder, sentence_of(found.view)),
         fmt::format(
             "Next: darkshelf show {}   (tells who sealed it; darkshelf key sign puts a signature of yours there)",
             core::shell_quote(volume.folder)),
         false, true});
  }

  void problem(const std::string& sentence, const Error& error) {
    const bool failing = io::is_read_error(error);
    report_.problems.push_back(
        {sentence,
         failing ? fmt::format("The medium is failing: do not write to it. Next: darkshelf copy {} --to ANOTHER-DRIVE",
                               core::shell_quote(drive_.drive.label))
                 : error.hint(),
         failing, false});
  }

  Examination look(const catalog::Volume& volume, const Elsewhere& elsewhere = {}) {
    context_.work.told().begin(fmt::format("reading {}", volume.folder), volume.bytes_on_drive);
    const auto known = with_elsewhere(*known_seal(volume), volume.info.volume, elsewhere);
    Examination examination = examine(context_, drive_.volume_folder(volume), volume.info.volume, known,
                                      Depth::kEverything, io::ReadMode::kDirect);
    context_.work.told().end();
    return examination;
  }

  void repair_volume(const catalog::Volume& volume) {
    RepairedVolume repaired;
    repaired.volume = volume;
    const io::Path journal = journals_ / volume.info.volume.text();
    try {
      const Elsewhere elsewhere = help_->for_volume(volume);
      if (!failing_) repaired.replayed = replay(volume, journal, elsewhere, repaired);
      repaired.after = look(volume);
      const bool lists_lost = !repaired.after.loaded && health_of(repaired.after) != catalog::CopyHealth::kMissing;
      if (lists_lost && !elsewhere.nowhere() && !is_changed(repaired.after)) repaired.after = look(volume, elsewhere);
      if (needs_nothing(repaired.after)) {
        if (!repaired.replayed) return known_as_good(volume);
      } else {
        failing_ |= has_unreadable(repaired.after);
        repaired.failure = why_not(volume, repaired.after, elsewhere, repaired.failing_medium);
        if (repaired.failure.empty()) {
          mend(volume, repaired.after, elsewhere, journal, repaired);
          repaired.after = look(volume);
        }
      }
      core::stop_point("repair.read-back");
      if (needs_nothing(repaired.after)) {
        record(volume, repaired);
        io::remove_tree(context_.fs, journal);
        core::stop_point("repair.journal-removed");
        repaired.repaired = true;
      } else if (repaired.failure.empty()) {
        repaired.failure =
            "what was read back after the repair is still not what was sealed: the medium does not keep what is "
            "written to it";
      }
    } catch (const Error& error) {
      if (ends_all(error) || error.code() == Code::kNoSpace || error.code() == Code::kUsage) throw;
      repaired.failure = error.what();
      if (!error.hint().empty()) repaired.failure += "; " + error.hint();
      if (error.code() == Code::kUnrepairable) repaired.failure += help_->what_else(volume, repaired.after, failing_);
    }
    const bool seen = !repaired.repaired && (repaired.after.loaded || !repaired.after.findings.empty());
    if (seen && health_on(context_, volume.info.volume, drive_.drive.id) == catalog::CopyHealth::kGood)
      record_damage(context_, drive_.drive, volume, repaired.after);
    report_.volumes.push_back(std::move(repaired));
  }

  /// A committed journal is carried out again from the start; one that was not committed changed nothing and goes.
  bool replay(const catalog::Volume& volume, const io::Path& folder, const Elsewhere& from, RepairedVolume& repaired) {
    if (!context_.fs.stat(folder)) return false;
    if (!context_.fs.stat(folder / "journal")) {
      io::remove_tree(context_.fs, folder);
      return false;
    }
    const io::Path place = drive_.volume_folder(volume);
    try {
      apply(volume, usable_journal(context_, folder, volume, place, from), folder, repaired);
      return true;
    } catch (const Error& error) {
      if (failing_ |= io::is_read_error(error); error.code() != Code::kCorrupt) throw;
      context_.note(fmt::format("{}: {}. That journal is dropped: what is damaged is found and mended anew.",
                                volume.folder, core::printable(error.what())),
                    "");
      io::remove_tree(context_.fs, folder);
      return false;
    }
  }

  /// `failing_medium`: all of it could be had, and is not written to a medium that is failing.
  std::string why_not(const catalog::Volume& volume, const Examination& examination, const Elsewhere& elsewhere,
                      bool& failing_medium) {
    if (is_changed(examination)) {
      return "its contents contradict the seal that was recorded: somebody changed it; this is not rot, and nothing "
             "was written" +
             help_->what_else(volume, examination, failing_);
    }
    if (!examination.loaded) return examination.failure + help_->what_else(volume, examination, failing_);
    if (!examination.repairable() && elsewhere.nowhere()) {
      return fmt::format("{} are lost, and {} recovery slices are sound{}",
                         core::count_of(examination.lost.size(), "slice"), examination.payload_parity.recovery.size(),
                         help_->what_else(volume, examination, failing_));
    }
    failing_medium = failing_;
    if (!failing_) return {};
    const std::string known = shelf::why_failing(context_.catalog, drive_.drive.id);
    return fmt::format(
        "the medium itself is failing ({}), and nothing was written to it; a copy to another drive is "
        "mended from {} on the way",
        known.empty() ? "unreadable places" : known, examination.repairable() ? "parity" : "both copies");
  }

  void mend(const catalog::Volume& volume, const Examination& examination, const Elsewhere& elsewhere,
            const io::Path& folder, RepairedVolume& repaired) {
    require_room(context_, drive_, examination, request_.work, journals_);
    io::remove_tree(context_.fs, folder);
    context_.fs.make_dirs(folder);
    const std::string name =
        fmt::format("{}_{}", core::format_date(context_.world.now()), context_.world.new_id().short_text());
    RepairJournal journal;
    try {
      const SealedSource sealed =
          SealedSource::mend(context_, examination, folder / "work", SealedSource::Need::kEverything, elsewhere);
      repaired.origin = sealed.origin();
      journal = write_journal(context_, examination, sealed, folder, name);
    } catch (...) {
      if (!context_.fs.stat(folder / "journal")) {
        io::remove_tree(context_.fs, folder);
        remove_if_empty(journals_);
      }
      throw;
    }
    apply(volume, journal, folder, repaired);
  }

  void apply(const catalog::Volume& volume, const RepairJournal& journal, const io::Path& folder,
             RepairedVolume& repaired) {
    const io::Path kept = quarantine_ / journal.quarantine / volume.info.volume.text();
    apply_journal(context_, journal, folder, drive_.volume_folder(volume), kept);
    repaired.slices = journal.slices;
    repaired.files = journal.files.size();
    repaired.bytes = journal.bytes();
    if (context_.fs.stat(kept)) report_.quarantine = quarantine_;
  }

  void record(const catalog::Volume& volume, const RepairedVolume& repaired) {
    context_.catalog.record_repair(
        drive_.drive.id, volume.info.volume, repaired.slices,
        fmt::format("{{\"files\":{},\"bytes\":{},\"slices_from_twin\":{},\"slices_from_parcel\":{}}}", repaired.files,
                    repaired.bytes, repaired.origin.from_twin(), repaired.origin.from_parcel));
    record_intact(volume);
  }

  /// All of it was just read and is as sealed: as good as a scrub.
  void record_intact(const catalog::Volume& volume) {
    catalog::Scrub scrub;
    scrub.id = context_.world.new_id();
    scrub.drive = drive_.drive.id;
    scrub.started = scrub.ended = context_.world.now();
    scrub.volumes.push_back({volume.info.volume, 0, volume.info.slices, true, catalog::CopyHealth::kGood});
    context_.catalog.record_scrub(scrub);
  }

  /// It may have been mended by other means since the catalog heard of damage.
  void known_as_good(const catalog::Volume& volume) {
    if (health_on(context_, volume.info.volume, drive_.drive.id) != catalog::CopyHealth::kGood) record_intact(volume);
  }

  Context& context_;
  const RepairRequest& request_;
  AttachedDrive drive_;
  std::optional<RepairHelp> help_;
  bool failing_ = false;  // the medium: nothing is written to it any more
  io::Path journals_, quarantine_;
  RepairReport report_;
};

}  // namespace

bool RepairReport::complete() const {
  return problems.empty() &&
         std::all_of(volumes.begin(), volumes.end(), [](const RepairedVolume& volume) { return volume.repaired; });
}

RepairReport repair(Context& context, const RepairRequest& request) { return Repairing(context, request).run(); }

}  // namespace darkshelf::rituals
