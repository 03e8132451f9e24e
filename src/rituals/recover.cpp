#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "rituals/catalog_copies.hpp"
#include "rituals/drives.hpp"
#include "rituals/examine.hpp"
#include "rituals/identity_file.hpp"
#include "rituals/misplaced.hpp"
#include "rituals/thumbnails.hpp"
#include "rituals/upkeep.hpp"
#include "shelf/identity.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
namespace fv = formats::volume;
using core::Code, core::Error;

namespace {

constexpr std::uint64_t kTagManifestLimit = 64 << 20;

/// What one drive teaches the catalog, in order: its catalog copy, itself, and the volumes no catalog told of.
class DriveLesson {
 public:
  DriveLesson(Context& context, const io::Path& path) : context_(context) {
    require_archive(context.fs, path);
    root_ = context.fs.canonical(path);
    context.fs.confine(root_, core::printable(root_.string()), root_ / std::string(fd::kFolder));
    report_.root = root_;
    report_.label = root_.filename().string();
    learn_identity();
  }

  /// Nothing where the identity is lost.
  std::optional<core::Uuid> id() const { return lacks_identity_ ? std::nullopt : std::optional(identity_.id); }
  const io::Path& root() const { return root_; }

  RecoverReport::FromDrive learn() {
    merge_catalog_copy();
    core::stop_point("recover.merged");
    if (lacks_identity_ && !identify()) return std::move(report_);
    if (!lacks_identity_) know_drive();
    core::stop_point("recover.drive-recorded");
    know_volumes();
    look_at_signatures();
    return std::move(report_);
  }

 private:
  /// Damaged or missing it must not keep anybody from the copy of the catalog, which may be the last there is.
  void learn_identity() {
    const io::Path file = root_ / std::string(fd::kIdentity);
    const io::Looked there = io::look_at(context_.fs, file);
    std::string why = there.stat ? "is no file" : "is missing";
    bool unreadable = there.unreadable;
    if (there.is(io::FileType::kRegular)) {
      try {
        if (const auto found = read_identity(context_.fs, root_)) {
          identity_ = *found;
          report_.label = identity_.label;
          return;
        }
      } catch (const Error& error) {
        unreadable = io::is_read_error(error);
        if (error.code() != Code::kCorrupt && !unreadable) throw;
        why = fmt::format("is damaged ({})", error.what());
      }
    }
    if (unreadable) {
      lacks_identity_ = unreadable_ = true;
      return;
    }
    if (!has_catalog_copy(context_.fs, root_)) {
      throw Error(Code::kWrongDrive, fmt::format("{} {}, which tells the drive", core::printable(file.string()), why),
                  fmt::format("darkshelf drive accept {} --as moved", core::shell_quote(root_.string())));
    }
    lacks_identity_ = true;
    problem(fmt::format("{} {}: darkshelf drive accept {} --as moved", file.string(), why,
                        core::shell_quote(root_.string())));
  }

  /// Which drive it is, now that the copy of the catalog is known. Accepting it is up to the user.
  bool identify() {
    const auto drive = drive_by_evidence(context_.fs, context_.catalog.drives(), root_);
    report_.incomplete = !drive;
    if (unreadable_) {
      const Error why = identity_not_readable(root_, drive);
      problem(fmt::format("{}: {}", why.what(), drive ? why.hint() : what_rescues()));
    }
    if (!drive) return false;
    identity_ = {fd::kFormat, drive->id, drive->label, drive->added, drive->catalog_mode};
    report_.label = drive->label;
    return true;
  }

  std::string what_rescues() {
    const io::Medium medium = io::medium_of(context_.fs, root_);
    return fmt::format("umount {} && darkshelf rescue {} --to DIR", core::shell_quote(medium.mount_point.string()),
                       core::shell_quote(medium.device));
  }

  void problem(std::string sentence) { report_.problems.push_back(core::printable(sentence)); }

  /// Of one that is not needed any more nothing is told when it cannot be used: the check of the drive does that.
  /// `meant`: it is merged only if these are its bytes; false if they are others.
  bool merge(const std::string& name, const std::optional<digest::Sha256>& meant = {}) {
    const io::Path copy = root_ / std::string(fd::kCatalogFolder) / name;
    const bool first = report_.catalog_as_of.empty();
    try {
      const auto stat = context_.fs.stat(copy);
      BroughtCopy brought(context_, copy);
      if (meant && brought.sha256() != *meant) return false;
      brought.merge();
      if (first && stat)
        report_.catalog_as_of = core::format_date(core::Time(std::chrono::nanoseconds(stat->mtime_ns)));
    } catch (const Error& error) {
      if (ends_all(error)) throw;
      if (first) problem(fmt::format("{} was not used: {}", copy.string(), error.what()));
    }
    return true;
  }

  /// The copy CURRENT names if its bytes are the ones meant, then every other that is sound, newest first: one of
  /// another machine may know more.
  void merge_catalog_copy() {
    const io::Path folder = root_ / std::string(fd::kCatalogFolder);
    const auto stat = context_.fs.stat(folder);
    if (!stat || stat->type != io::FileType::kDirectory) {
      if (identity_.catalog_mode != "none") problem(fmt::format("there is no catalog copy in {}", folder.string()));
      return;
    }
    const std::string done = merge_current();
    std::vector<std::pair<std::int64_t, std::string>> others;
    for (const io::Entry& entry : context_.fs.list(folder)) {
      const bool ours = entry.name.starts_with("catalog-") && entry.name.ends_with(".db");
      if (!ours || entry.type != io::FileType::kRegular || entry.name == done) continue;
      others.emplace_back(context_.fs.stat(folder / entry.name)->mtime_ns, entry.name);
    }
    std::sort(others.rbegin(), others.rend());
    for (const auto& [written, name] : others) merge(name);
  }

  /// The name in CURRENT; "" where nobody can read one.
  std::string merge_current() {
    const io::Path file = root_ / std::string(fd::kCurrent);
    try {
      if (!context_.fs.stat(file)) {
        problem(fmt::format("{} is missing", file.string()));
        return {};
      }
      const fd::CurrentCatalog current = fd::decode_current(io::read_text(context_.fs, file, 4 << 10));
      const io::Path copy = root_ / std::string(fd::kCatalogFolder) / current.name;
      const auto stat = context_.fs.stat(copy);
      const bool there = stat && stat->type == io::FileType::kRegular && stat->bytes == current.bytes;
      if (!there || !merge(current.name, current.sha256))
        problem(fmt::format("{} is damaged or missing; an older copy is looked for", copy.string()));
      return current.name;
    } catch (const Error& error) {
      if (ends_all(error)) throw;
      problem(fmt::format("{} cannot be used: {}", file.string(), error.what()));
    }
    return {};
  }

  void know_drive() {
    const io::Medium medium = io::medium_of(context_.fs, root_);
    const catalog::Evidence evidence = evidence_of(medium, root_);
    if (const auto known = context_.catalog.drive(identity_.id)) {
      report_.label = known->label;
      const shelf::Judgement judgement = shelf::judge(identity_, known, evidence);
      if (judgement.claim == shelf::Claim::kFits) {
        context_.catalog.record_drive_seen(identity_.id, evidence);
        return;
      }
      problem(fmt::format("it says it is {}, but does not look like it ({}): darkshelf drive accept {} --as moved",
                          known->label, fmt::join(judgement.differences, "; "), core::shell_quote(root_.string())));
      return;
    }
    catalog::NewDrive drive;
    drive.id = identity_.id;
    drive.label = fd::label_from(identity_.label);
    drive.kind = medium.network                           ? "nas"
                 : medium.removable && !medium.rotational ? "flash"
                 : medium.rotational                      ? "hdd"
                                                          : "ssd";
    drive.catalog_mode = identity_.catalog_mode;
    drive.evidence = evidence;
    context_.catalog.record_drive(drive);
    context_.catalog.record_drive_seen(drive.id, evidence);
  }

  volume::KnownSeal second_copy(const core::Uuid& id) {
    volume::KnownSeal known;
    known.tagmanifest_text = io::read_text(
        context_.fs, root_ / std::string(fd::kSeals) / id.text() / std::string(fv::kTagManifest), kTagManifestLimit);
    known.seal = digest::sha256(core::as_bytes(known.tagmanifest_text));
    return known;
  }

  /// How many files are what `volume` lists, of those that the other seal lists otherwise or not at all.
  std::size_t right_where_alone(const volume::LoadedVolume& volume, const volume::LoadedVolume& other) {
    const auto& list = volume.tagmanifest;
    return static_cast<std::size_t>(std::count_if(list.begin(), list.end(), [&](const fv::ManifestEntry& entry) {
      if (std::find(other.tagmanifest.begin(), other.tagmanifest.end(), entry) != other.tagmanifest.end()) return false;
      if (volume.tag_text.contains(entry.path)) return true;  // as it lies there, or mended
      const io::Path path = volume.folder / entry.path;
      const auto stat = context_.fs.stat(path);
      return stat && stat->type == io::FileType::kRegular && sha256_of(context_, path) == entry.sha256;
    }));
  }

  /// A seal can rot into one that reads well. Where the second copy beside the volumes is another, the files that the
  /// two do not agree about tell which is right.
  volume::LoadedVolume settled(volume::LoadedVolume loaded) {
    try {
      const volume::KnownSeal known = second_copy(loaded.info.volume);
      if (known.seal == loaded.seal) return loaded;
      volume::LoadedVolume other =
          volume::load_volume(context_.fs, loaded.folder, known, io::ReadMode::kCached, context_.work);
      if (other.info.volume == loaded.info.volume &&
          right_where_alone(other, loaded) > right_where_alone(loaded, other)) {
        problem(fmt::format("the seal in {} is damaged; its second copy was used", loaded.folder.string()));
        return other;
      }
      problem(fmt::format("the second copy of the seal of {} is damaged", loaded.folder.string()));
    } catch (const Error& error) {
      if (ends_all(error)) throw;  // a second copy that is missing or makes no sense tells nothing
    }
    return loaded;
  }

  /// The volume as its own tag files tell it; those damaged beyond their parity are tried with each second copy of a
  /// seal.
  std::optional<volume::LoadedVolume> load(const io::Path& folder) {
    std::string first_failure;
    try {
      return settled(volume::load_volume(context_.fs, folder, {}, io::ReadMode::kCached, context_.work));
    } catch (const Error& error) {
      if (ends_all(error)) throw;
      first_failure = error.what();
    }
    const io::Path seals = root_ / std::string(fd::kSeals);
    if (context_.fs.stat(seals)) {
      for (const io::Entry& entry : context_.fs.list(seals)) {
        const auto id = core::Uuid::parse(entry.name);
        if (!id || context_.catalog.volume(*id)) continue;
        try {
          volume::LoadedVolume loaded =
              volume::load_volume(context_.fs, folder, second_copy(*id), io::ReadMode::kCached, context_.work);
          if (loaded.info.volume == *id) return loaded;
        } catch (const Error& error) {
          if (ends_all(error)) throw;
        }
      }
    }
    problem(fmt::format("{} is not understood: {}", folder.string(), first_failure));
    report_.incomplete = true;
    return {};
  }

  void know_volumes() {
    std::set<std::string> told;
    for (const catalog::Volume& volume : context_.catalog.volumes_on(identity_.id)) told.insert(volume.folder);
    std::vector<io::Path> unreadable;
    const std::vector<io::Path> folders = volume::volume_folders(context_.fs, root_, &unreadable);
    for (const io::Path& folder : unreadable) {
      problem(fmt::format("the folder {} cannot be read: the medium is failing", folder.string()));
      report_.incomplete = true;
    }
    for (const io::Path& folder : folders) {
      context_.work.check();
      const std::string below = (folder.parent_path().filename() / folder.filename()).string();
      if (told.contains(below)) continue;
      const auto loaded = load(folder);
      if (!loaded) continue;
      const std::string expected = fv::year_folder(loaded->info) + "/" + fv::folder_name(loaded->info);
      if (below != expected) {
        tell_misplaced(folder, *loaded, root_ / std::string(fd::kFolder) / expected);
        continue;
      }
      try {
        const auto known = context_.catalog.volume(loaded->info.volume);
        if (known && known->seal != loaded->seal) {
          problem(
              fmt::format("{} was not taken in: it says it is a volume that is known with another seal; somebody "
                          "changed or replaced it",
                          folder.string()));
          report_.contradicts = report_.incomplete = true;
          continue;
        }
        if (!known) {
          const catalog::Volume volume{loaded->info, loaded->seal, loaded->tagmanifest_text, below,
                                       tree_bytes(context_.fs, folder)};
          if (!may_be_taken(volume)) continue;
          context_.catalog.record_volume(volume, loaded->members);
          ++report_.volumes_read;
        }
        // Found, not proven: it counts after its first scrub.
        context_.catalog.record_unread_copy(loaded->info.volume, identity_.id, context_.world.now());
        core::stop_point("recover.volume-recorded");
      } catch (const Error& error) {
        if (error.code() != Code::kFailed && error.code() != Code::kCorrupt) throw;
        problem(fmt::format("{} was not taken in: {}", folder.string(), error.what()));
        report_.incomplete = true;
      }
    }
  }

  /// Where its place is taken it is the same volume twice, or none to believe.
  void tell_misplaced(const io::Path& folder, const volume::LoadedVolume& loaded, const io::Path& belongs) {
    if (!context_.fs.stat(belongs)) {
      problem(fmt::format("{} holds the volume that belongs in {}; rename it back: {}", folder.string(),
                          belongs.string(), rename_back(folder, belongs)));
      report_.incomplete = true;
      return;
    }
    const auto known = context_.catalog.volume(loaded.info.volume);
    const auto in_place = known ? std::nullopt : link_at(context_, belongs);
    const std::string seal = known ? core::to_hex(known->seal) : in_place ? in_place->seal : "";
    if (seal == core::to_hex(loaded.seal))
      return problem(fmt::format("{} is the same volume as {}, a second time: one of the two can be removed",
                                 folder.string(), belongs.string()));
    problem(
        fmt::format("{} says that it is the volume in {}, and has another seal: somebody changed or replaced one "
                    "of them",
                    folder.string(), belongs.string()));
    report_.contradicts = report_.incomplete = true;
  }

  /// Somebody who is trusted signed another volume than the one that lies there.
  bool may_be_taken(const catalog::Volume& volume) {
    const DriveSignature found = examine_signature(context_, root_, identity_.id, volume, context_.catalog.keys());
    const bool changed = std::any_of(found.findings.begin(), found.findings.end(),
                                     [](const FileFinding& finding) { return finding.kind == FindingKind::kChanged; });
    if (!changed) return true;
    problem(fmt::format("{} was not taken in: {}", volume.folder, sentence_of(found.view)));
    report_.contradicts = report_.incomplete = true;
    return false;
  }

  void look_at_signatures() {
    const auto keys = context_.catalog.keys();
    for (const catalog::Volume& volume : context_.catalog.volumes_on(identity_.id)) {
      context_.work.check();
      if (!io::look_at(context_.fs, root_ / std::string(fd::kFolder) / volume.folder).stat) continue;
      const DriveSignature found = examine_signature(context_, root_, identity_.id, volume, keys);
      if (found.new_here)
        context_.catalog.record_signature(volume.info.volume, identity_.id,
                                          formats::minisig::decode_signature(found.good));
      report_.signatures.add(found.view);
      for (const FileFinding& finding : found.findings) {
        if (finding.kind != FindingKind::kChanged) continue;
        problem(fmt::format("{}: {}", volume.folder, sentence_of(found.view)));
        report_.contradicts = true;
        break;
      }
    }
  }

  Context& context_;
  io::Path root_;
  fd::DriveIdentity identity_;
  bool lacks_identity_ = false, unreadable_ = false;  // it is there, and the medium does not give it
  RecoverReport::FromDrive report_;
};

}  // namespace

RecoverReport recover_catalog(Context& context, const std::vector<io::Path>& paths) {
  if (paths.empty()) throw Error(Code::kUsage, "recover from which drive? Give the folder where it is mounted");
  std::vector<DriveLesson> lessons;  // every path is looked at before anything is recorded
  for (const io::Path& path : paths) {
    lessons.emplace_back(context, path);
    const DriveLesson& last = lessons.back();
    for (const DriveLesson& other : lessons) {
      if (!last.id() || other.id() != last.id() || other.root() == last.root()) continue;
      throw Error(Code::kWrongDrive,
                  fmt::format("two media claim to be one drive: {} and {}", core::printable(other.root().string()),
                              core::printable(last.root().string())),
                  fmt::format("unplug the copy and recover from the other, then, with both plugged in:\n"
                              "      darkshelf drive accept {} --as copy --label NEW",
                              core::shell_quote(last.root().string())));
    }
  }
  RecoverReport report;
  for (DriveLesson& lesson : lessons) report.drives.push_back(lesson.learn());
  for (DriveLesson& lesson : lessons) report.thumbnails += take_thumbnails(context, lesson.root());
  report.drives_known = context.catalog.drives().size();
  report.shoots_known = context.catalog.shoots().size();
  report.volumes_known = context.catalog.volumes().size();
  report.chains = shelf::check_chains(context.catalog);
  core::stop_point("recover.ended");
  return report;
}

}  // namespace darkshelf::rituals
