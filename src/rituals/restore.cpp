#include "rituals/restore.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/text.hpp"
#include "io/paths.hpp"
#include "rituals/findings.hpp"
#include "rituals/restore_adopted.hpp"
#include "rituals/restore_files.hpp"
#include "rituals/twins.hpp"
#include "volume/scan.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

/// What is wanted of one volume.
struct Wanted {
  catalog::Volume volume;
  std::set<std::string> paths;  // of its members
};

class Restoring {
 public:
  Restoring(Context& context, const RestoreRequest& request) : context_(context), request_(request) {}

  RestoreReport run() {
    if (request_.to.empty()) throw Error(Code::kUsage, "restore where to? Give a folder: --to DIR");
    attach_drives();
    for (const std::string& what : request_.what) choose(what);
    refuse_archive_around(context_.fs, request_.to);
    require_some_here();
    context_.fs.make_dirs(request_.to);
    const RestoredFiles::Target target{context_.fs.canonical(request_.to), context_.fs};
    for (const auto& [id, wanted] : wanted_) restore_volume(wanted, target);
    report_.photos = volume::count_photos(photo_paths_);
    return std::move(report_);
  }

 private:
  bool in_time(const catalog::Volume& volume) const {
    return !request_.as_sealed || volume.info.sealed <= *request_.as_sealed;
  }

  void choose(const std::string& what) {
    if (const auto volume = find_volume(what)) {
      Wanted& wanted = wanted_for(*volume);
      for (const fv::Member& member : context_.catalog.members_of(volume->info.volume))
        wanted.paths.insert(member.path);
      return;
    }
    if (const auto shoot = context_.catalog.find_shoot(what)) return choose_shoot(*shoot);
    choose_files(what);
  }

  std::optional<catalog::Volume> find_volume(const std::string& what) {
    auto volume = context_.catalog.find_volume(what);
    // The beginning of an id is also the beginning of many a word: a volume is meant by its folder's name or a good
    // part of its id.
    if (volume && what.find('_') == std::string::npos && !volume->info.volume.text().starts_with(what)) return {};
    return volume;
  }

  Wanted& wanted_for(const catalog::Volume& volume) {
    Wanted& wanted = wanted_[volume.info.volume];
    wanted.volume = volume;
    return wanted;
  }

  /// Is the one drive that it may come from a drive on which nothing of it is sealed?
  bool is_adopted_alone(const catalog::Shoot& shoot) {
    if (request_.from.empty()) return false;
    const std::vector<catalog::Volume> sealed = context_.catalog.volumes_on(drives_.front().drive.id);
    return std::none_of(sealed.begin(), sealed.end(),
                        [&](const catalog::Volume& volume) { return volume.info.shoot == shoot.id; });
  }

  /// Of every path the newest sealed state that is asked for; what is sealed nowhere, as it was taken in last.
  void choose_shoot(const catalog::Shoot& shoot) {
    std::map<std::string, catalog::Volume> newest;
    if (!is_adopted_alone(shoot)) {
      for (const catalog::Volume& volume : context_.catalog.volumes_of(shoot.id)) {  // oldest first
        if (!in_time(volume)) continue;
        for (const fv::Member& member : context_.catalog.members_of(volume.info.volume))
          newest.insert_or_assign(member.path, volume);
      }
    }
    std::map<std::string, catalog::Volume> adopted;
    for (const catalog::Volume& volume : context_.catalog.volumes_of(shoot.id, catalog::Volumes::kAdopted)) {
      if (request_.as_sealed || context_.catalog.copies_of(volume.info.volume).empty()) continue;
      if (!request_.from.empty() && holders(volume).empty()) continue;
      for (const fv::Member& member : context_.catalog.members_of(volume.info.volume))
        adopted.insert_or_assign(member.path, volume);
    }
    newest.insert(adopted.begin(), adopted.end());
    if (newest.empty()) {
      throw Error(Code::kNotFound, request_.as_sealed ? fmt::format("{} was not sealed yet on {}", shoot.name,
                                                                    core::format_date(*request_.as_sealed))
                                                      : fmt::format("nothing of {} is sealed", shoot.name));
    }
    for (const auto& [path, volume] : newest) wanted_for(volume).paths.insert(path);
  }

  void choose_files(const std::string& glob) {
    std::map<std::string, core::Uuid> newest;
    for (const catalog::FoundFile& file : context_.catalog.where(glob)) {
      const auto volume = context_.catalog.volume(file.volume);
      if (!volume || !in_time(*volume)) continue;
      if (!volume->adopted) newest.insert_or_assign(file.member.path, file.volume);
      const bool there = volume->adopted && !request_.as_sealed && !context_.catalog.copies_of(file.volume).empty();
      if (there) newest.emplace(file.member.path, file.volume);
    }
    if (newest.empty()) {
      throw Error(Code::kNotFound, fmt::format("no shoot, volume or file is called \"{}\"", core::printable(glob)),
                  "darkshelf find WORDS");
    }
    for (const auto& [path, id] : newest) wanted_for(*context_.catalog.volume(id)).paths.insert(path);
  }

  void attach_drives() {
    if (request_.from.empty()) {
      drives_ = attached_drives(context_);
    } else {
      drives_.push_back(attach(context_, request_.from, Visit::kReadOnly));
    }
  }

  void require_some_here() {
    for (const auto& [id, wanted] : wanted_) {
      if (!holders(wanted.volume).empty()) return;
      if (!AdoptedFiles(context_, drives_, wanted.volume, wanted.paths).nothing()) return;
    }
    for (const auto& [id, wanted] : wanted_) report_.absent.push_back(wanted.volume);
    if (report_.absent.empty()) return;
    const bool elsewhere = !request_.from.empty();  // it may well be plugged in
    throw Error(Code::kDriveAbsent, absent_sentence(),
                elsewhere ? "leave --from out, or name an older sealing: --as-sealed DATE"
                          : "plug one of them in and type the same command again");
  }

  /// The plugged-in drives with a copy, healthiest first.
  std::vector<const AttachedDrive*> holders(const catalog::Volume& volume) {
    std::vector<std::pair<catalog::CopyHealth, const AttachedDrive*>> found;
    for (const catalog::Copy& copy : context_.catalog.copies_of(volume.info.volume)) {
      for (const AttachedDrive& drive : drives_) {
        if (drive.drive.id == copy.drive) found.emplace_back(copy.health, &drive);
      }
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<const AttachedDrive*> drives;
    for (const auto& [health, drive] : found) drives.push_back(drive);
    return drives;
  }

  void restore_volume(const Wanted& wanted, const RestoredFiles::Target& target) {
    const std::vector<const AttachedDrive*> from = holders(wanted.volume);
    std::set<std::string> paths = wanted.paths;
    if (from.empty() || wanted.volume.adopted) {
      AdoptedFiles files(context_, drives_, wanted.volume, paths);
      if (files.nothing()) return report_.absent.push_back(wanted.volume);
      restore_adopted(wanted.volume, files, paths, target);
      return;
    }
    bool gone = false;
    for (const AttachedDrive* drive : from) {
      if (paths.empty()) return;
      try {
        restore_from(*drive, wanted.volume, others_of(from, drive, wanted.volume), paths, target);
      } catch (const Error& error) {
        const bool about_drive = error.code() == Code::kUnrepairable || error.code() == Code::kCorrupt ||
                                 error.code() == Code::kDriveGone || is_about(error, *drive);
        if (!about_drive) throw;
        gone |= error.code() == Code::kDriveGone;
        report_.notes.push_back(fmt::format("{} on {}: {}", wanted.volume.folder, drive->drive.label, error.what()));
      }
    }
    if (gone && !paths.empty()) return report_.absent.push_back(wanted.volume);  // away with its drive, not lost
    for (const std::string& path : paths) report_.lost.push_back(path);
  }

  /// By their contents, from drives that were full when they came: each file is compared with its digest.
  void restore_adopted(const catalog::Volume& volume, AdoptedFiles& files, std::set<std::string>& paths,
                       const RestoredFiles::Target& target) {
    context_.work.told().begin(fmt::format("reading {}", core::printable(volume.info.title)),
                               volume.info.content_bytes);
    do {
      RestoredFiles(context_, target, files, report_, photo_paths_).restore(files.members(), paths);
    } while (!paths.empty() && files.try_others(paths));
    context_.work.told().end();
    for (const std::string& label : files.labels()) read_from(label);
    for (const std::string& path : paths) report_.lost.push_back(path);
  }

  /// A sector that failed when it was read a second time; not one of where the photos go.
  static bool is_about(const Error& error, const AttachedDrive& drive) {
    return io::is_read_error(error) && io::lies_in(error.path(), drive.root);
  }

  Elsewhere others_of(const std::vector<const AttachedDrive*>& holders, const AttachedDrive* one,
                      const catalog::Volume& volume) {
    Elsewhere others;
    for (const AttachedDrive* drive : holders) {
      if (drive != one && is_there(context_, drive->volume_folder(volume)))
        others.twins.push_back({drive->drive.label, drive->volume_folder(volume)});
    }
    return others;
  }

  /// Takes from `paths` what was brought back. What its own parity cannot rebuild comes from `others`, slice by slice.
  void restore_from(const AttachedDrive& drive, const catalog::Volume& volume, const Elsewhere& others,
                    std::set<std::string>& paths, const RestoredFiles::Target& target) {
    const io::Path folder = drive.volume_folder(volume);
    context_.work.told().begin(fmt::format("reading {} on {}", volume.folder, drive.drive.label),
                               volume.info.payload_bytes);
    const Examination examination =
        examine(context_, folder, volume.info.volume, known_seal(volume), Depth::kPayloadOnly, io::ReadMode::kCached);
    context_.work.told().end();
    record_damage(context_, drive.drive, volume, examination);
    if (!examination.loaded) return restore_by_catalog(drive, volume, examination.failure, paths, target);
    const io::Path work = target.root / fmt::format(".darkshelf-{}", context_.world.new_id().short_text());
    const bool alone = examination.repairable();
    const bool mending = !examination.lost.empty() && (alone || !others.nowhere());
    const SealedSource source =
        mending ? SealedSource::mend(context_, examination, work,
                                     alone ? SealedSource::Need::kPayload : SealedSource::Need::kWhatIsPossible,
                                     alone ? Elsewhere{} : others)
                : SealedSource::as_is(context_, examination);
    const SealedMembers sealed(source);
    RestoredFiles files(context_, target, sealed, report_, photo_paths_);
    files.restore(examination.loaded->members, paths);
    report_.mended_slices += source.origin().had();
    read_from(drive.drive.label);
    for (const auto& [label, slices] : source.origin().from_twins) read_from(label);
  }

  /// The volume's own lists cannot be had, but the catalog has the same. Where they say a photo lies its bytes are
  /// taken, and kept when they are the ones that were sealed; nothing is mended.
  void restore_by_catalog(const AttachedDrive& drive, const catalog::Volume& volume, const std::string& failure,
                          std::set<std::string>& paths, const RestoredFiles::Target& target) {
    Examination examination;
    examination.volume = volume.info.volume;
    examination.folder = drive.volume_folder(volume);
    volume::LoadedVolume& loaded = examination.loaded.emplace();
    loaded.folder = examination.folder;
    loaded.info = volume.info;
    loaded.members = context_.catalog.members_of(volume.info.volume);
    const auto protect = [&](const std::string& path, std::uint64_t bytes, std::uint32_t first_slice) {
      const auto slices = static_cast<std::uint32_t>(core::divide_up(bytes, volume.info.slice_bytes));
      loaded.files.push_back({"data/" + path, bytes, first_slice, slices});
    };
    if (volume.info.layout == fv::Layout::kTar) {
      protect(fv::base_name(volume.info) + ".tar", volume.info.payload_bytes, 0);
    } else {
      for (const fv::Member& member : loaded.members) {
        if (member.type == fv::MemberType::kFile && member.bytes > 0)
          protect(member.path, member.bytes, member.first_slice);
      }
    }
    const SealedSource source = SealedSource::as_is(context_, examination);
    const std::size_t wanted = paths.size();
    RestoredFiles(context_, target, SealedMembers(source), report_, photo_paths_).restore(loaded.members, paths);
    report_.notes.push_back(fmt::format("{} on {}: {}{}", volume.folder, drive.drive.label, failure,
                                        paths.size() < wanted ? "; read by the lists of the catalog instead" : ""));
    if (paths.size() < wanted) read_from(drive.drive.label);
  }

  void read_from(const std::string& label) {
    if (std::find(report_.drives.begin(), report_.drives.end(), label) == report_.drives.end())
      report_.drives.push_back(label);
  }

  std::string absent_sentence() {
    std::set<std::string> places;
    for (const catalog::Volume& volume : report_.absent) {
      for (const catalog::Copy& copy : context_.catalog.copies_of(volume.info.volume)) {
        const auto drive = context_.catalog.drive(copy.drive);
        if (drive)
          places.insert(drive->place_name.empty() ? drive->label
                                                  : fmt::format("{} (at {})", drive->label, drive->place_name));
      }
    }
    if (places.empty()) return "no drive is known to hold it any more";
    const std::string list = fmt::format("{}", fmt::join(places, ", "));
    if (request_.from.empty()) return "it lies on drives that are not plugged in: " + list;
    return fmt::format("{} does not hold what was sealed last of it; that lies on {}", drives_.front().drive.label,
                       list);
  }

  Context& context_;
  const RestoreRequest& request_;
  std::map<core::Uuid, Wanted> wanted_;
  std::vector<AttachedDrive> drives_;
  std::vector<std::string> photo_paths_;
  RestoreReport report_;
};

}  // namespace

RestoreReport restore(Context& context, const RestoreRequest& request) { return Restoring(context, request).run(); }

}  // namespace darkshelf::rituals
