#include "rituals/copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "rituals/adopted_drive.hpp"
#include "rituals/drives.hpp"
#include "rituals/restore_files.hpp"
#include "rituals/seal_parts.hpp"
#include "rituals/signatures.hpp"
#include "rituals/twins.hpp"

namespace darkshelf::rituals {

using core::Code;
using core::Error;

namespace {

/// A folder that stands in its place while the catalog knows of no copy there: a copy that was killed between the two,
/// or one that another machine made; or one that was found bad, and may have been mended by other means. It counts if
/// it proves to be what was sealed; a `known_bad` one that does not is renewed.
bool take_what_is_there(Context& context, const catalog::Volume& volume, const AttachedDrive& target, bool known_bad) {
  const io::Path folder = target.volume_folder(volume);
  if (!context.fs.stat(folder)) return false;
  try {
    const bool cached = prove(context, folder, as_written(volume));
    context.catalog.record_copy(volume.info.volume, target.drive.id, context.world.now(), cached);
    note_signature(context, target.root, target.drive.id, volume);
  } catch (const Error& error) {
    if (error.code() != Code::kCorrupt) throw;
    if (known_bad) return false;
    throw Error(Code::kFailed, fmt::format("{} is there already, and is damaged: {}", folder.string(), error.what()),
                fmt::format("darkshelf catalog recover {0}, then darkshelf repair {0}",
                            core::shell_quote(target.root.string())));
  }
  return true;
}

/// Adopted volumes cannot be copied, only sealed: they are counted and told.
std::vector<catalog::Volume> lacking_copies(Context& context) {
  const shelf::Policy policy = shelf::policy_from(context.catalog.policy());
  std::vector<catalog::Volume> volumes;
  std::set<core::Uuid> adopted;
  for (const shelf::ShootStatus& shoot : shelf::status_of(context.catalog, policy, context.world.now()).shoots) {
    for (const shelf::VolumeStatus& volume : shoot.volumes) {
      if (volume.light == shelf::Light::kGreen) continue;
      if (volume.volume.adopted)
        adopted.insert(shoot.shoot.id);
      else
        volumes.push_back(volume.volume);
    }
  }
  if (!adopted.empty())
    context.note(fmt::format("{} on adopted drives {} copies, too: what is not sealed cannot be copied.",
                             core::count_of(adopted.size(), "shoot"), adopted.size() == 1 ? "lacks" : "lack"),
                 "darkshelf seal FOLDER --to DRIVE");
  return volumes;
}

/// Where volumes wait between two drives that cannot be plugged in together.
class Staging {
 public:
  Staging(Context& context, const io::Path& via) : context_(context) {
    folder_ = (via.is_absolute() ? via : context.fs.canonical(".") / via) / "darkshelf-via";
    refuse_archive_around(context.fs, folder_);
    context.fs.make_dirs(folder_);
    lock_ = context.fs.lock(lock_path(), fmt::format("the folder {}", core::printable(folder_.string())),
                            "darkshelf copy --via");
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() {
    try {
      if (context_.fs.list(folder_).size() > 1) return;  // the lock is one
      context_.fs.remove_file(lock_path());
      context_.fs.remove_dir(folder_);
    } catch (const Error&) {  // an empty folder that stays behind harms nobody
    }
  }

  io::Path place(const catalog::Volume& volume) const { return folder_ / volume.info.volume.text(); }
  bool holds(const catalog::Volume& volume) const { return context_.fs.stat(place(volume)).has_value(); }
  void remove(const catalog::Volume& volume) { io::remove_tree(context_.fs, place(volume)); }
  bool has_room(const catalog::Volume& volume) const {
    return volume.bytes_on_drive + (16 << 20) <= context_.fs.space(folder_).free;
  }
  const io::Path& folder() const { return folder_; }

 private:
  io::Path lock_path() const { return folder_ / ".lock"; }

  Context& context_;
  io::Path folder_;
  std::unique_ptr<io::Lock> lock_;  // two machines may share the folder
};

class Copying {
 public:
  Copying(Context& context, const CopyRequest& request) : context_(context), request_(request) {}

  CopyReport run() {
    const std::vector<catalog::Volume> volumes = wanted();
    if (request_.via) staging_.emplace(context_, *request_.via);
    find_target();
    refuse_to_itself();
    find_sources();
    if (target_) {
      for (const io::Path& path : half_made(context_, *target_)) io::remove_tree(context_.fs, path);
      check_room_for_all(context_, volumes, *target_);
    }
    report_.to = target_drive_.label;
    std::set<core::Uuid> seen;
    for (const catalog::Volume& volume : volumes) {
      if (!seen.insert(volume.info.volume).second) continue;
      if (is_there(volume)) {
        if (request_.missing) continue;
        CopiedVolume there{volume, "", 0, {}};
        there.already_there = true;
        report_.volumes.push_back(std::move(there));
      } else if (target_) {
        bring(volume);
      } else {
        stage(volume);
      }
    }
    if (target_ && staging_) clear_away();
    if (target_) report_.not_refreshed = try_to_refresh(context_, *target_);
    return std::move(report_);
  }

 private:
  std::vector<catalog::Volume> wanted() {
    std::vector<catalog::Volume> volumes;
    for (const std::string& text : request_.what) {
      const auto named = volumes_named(context_, text);
      volumes.insert(volumes.end(), named.begin(), named.end());
    }
    if (request_.missing) {
      const auto lacking = lacking_copies(context_);
      volumes.insert(volumes.end(), lacking.begin(), lacking.end());
    }
    return volumes;
  }

  void find_target() {
    try {
      target_ = attach(context_, request_.to, Visit::kWrite);
    } catch (const Error& error) {
      const auto known = context_.catalog.find_drive(request_.to);
      if (error.code() != Code::kDriveAbsent || !staging_ || !known) throw;
      target_drive_ = *known;
      return;
    }
    require_writable(context_, *target_);
    target_drive_ = target_->drive;
  }

  void refuse_to_itself() {
    for (const std::string& text : request_.what) {
      const auto drive = named_drive(context_, text);
      if (!drive || drive->id != target_drive_.id) continue;
      throw Error(Code::kUsage, fmt::format("{} cannot be copied to itself", target_drive_.label),
                  fmt::format("darkshelf copy {} --to ANOTHER-DRIVE", core::shell_quote(target_drive_.label)));
    }
  }

  void find_sources() {
    if (request_.from.empty()) {
      sources_ = attached_drives(context_);
      return;
    }
    try {
      sources_.push_back(attach(context_, request_.from, Visit::kReadOnly));
    } catch (const Error& error) {
      if (error.code() != Code::kDriveAbsent || !staging_ || !target_) throw;
      return;  // what was staged of it can go on
    }
    if (sources_.front().drive.id == target_drive_.id)
      throw Error(Code::kUsage, "--from and --to are the same drive", "name another drive behind one of them");
  }

  std::optional<catalog::CopyHealth> health_on_target(const catalog::Volume& volume) {
    return health_on(context_, volume.info.volume, target_drive_.id);
  }

  bool is_there(const catalog::Volume& volume) {
    return health_on_target(volume) == catalog::CopyHealth::kGood &&
           (!target_ || context_.fs.stat(target_->volume_folder(volume)));
  }

  struct Holder {
    std::string label;
    CopySource source;
    catalog::CopyHealth health = catalog::CopyHealth::kGood;
    bool is_staged = false;
  };

  /// The healthiest copy first, but before all what is staged already.
  std::vector<Holder> holders_of(const catalog::Volume& volume) {
    std::vector<Holder> holders;
    const auto copies = context_.catalog.copies_of(volume.info.volume);
    for (const AttachedDrive& source : sources_) {
      const auto copy = std::find_if(copies.begin(), copies.end(), [&](const catalog::Copy& candidate) {
        return candidate.drive == source.drive.id;
      });
      if (copy == copies.end() || source.drive.id == target_drive_.id) continue;
      holders.push_back({source.drive.label, {source.volume_folder(volume), &source.drive}, copy->health, false});
    }
    std::stable_sort(holders.begin(), holders.end(),
                     [](const Holder& a, const Holder& b) { return a.health < b.health; });
    if (staging_ && staging_->holds(volume)) {
      holders.insert(holders.begin(), {request_.via->string(), {staging_->place(volume), nullptr}, {}, true});
    }
    return holders;
  }

  /// All copies at hand but that one: where it is damaged beyond its parity they help. Even a bad copy does that is
  /// about to be replaced.
  Elsewhere others_of(const catalog::Volume& volume, const Holder& holder) {
    Elsewhere others;
    for (const Holder& other : holders_of(volume)) {
      if (other.source.folder != holder.source.folder && rituals::is_there(context_, other.source.folder))
        others.twins.push_back({other.label, other.source.folder});
    }
    if (target_ && request_.from.empty() && rituals::is_there(context_, target_->volume_folder(volume)))
      others.twins.push_back({target_->drive.label, target_->volume_folder(volume)});
    return others;
  }

  /// Tries one holder after the other until `from_one` succeeds; tells why when none does.
  template <class FromOne>
  void from_any(const catalog::Volume& volume, const FromOne& from_one) {
    const std::vector<Holder> holders = holders_of(volume);
    std::string reasons;
    bool gone = holders.empty();
    for (const Holder& holder : holders) {
      context_.work.told().begin(fmt::format("copying {} from {}", volume.folder, holder.label),
                                 (target_ ? 2 : 1) * volume.bytes_on_drive);  // what is not staged is read back
      try {
        from_one(holder);
        context_.work.told().end();
        return;
      } catch (const Error& error) {
        context_.work.told().end();
        if (error.code() == Code::kCancelled || error.code() == Code::kNoSpace) throw;
        if (error.code() == Code::kDriveGone) {
          if (target_ && has_left(context_, *target_)) throw;
          gone = true;
          const bool told = std::find(report_.left.begin(), report_.left.end(), error.what()) != report_.left.end();
          if (!told) report_.left.emplace_back(error.what());
        }
        if (holder.is_staged && (error.code() == Code::kUnrepairable || error.code() == Code::kCorrupt))
          staging_->remove(volume);  // it is to blame: to be staged anew
        reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", holder.label, error.what());
      }
    }
    if (gone) {
      report_.absent.push_back(volume);
    } else {
      report_.failed.emplace_back(volume, reasons);
      if (staging_ && staging_->holds(volume)) report_.kept.insert(volume.info.volume);
    }
  }

  void bring(const catalog::Volume& volume) {
    from_any(volume, [&](const Holder& holder) {
      CopiedVolume copied{volume, "", 0, {}};
      if (take_what_is_there(context_, volume, *target_, health_on_target(volume).has_value())) {
        copied.already_there = true;
      } else {
        const CopiedBytes bytes = copy_volume(context_, volume, holder.source, others_of(volume, holder), *target_);
        tell(bytes, holder, copied);
        copied.replaced = bytes.replaced;
        report_.readback_cached = report_.readback_cached || bytes.readback_cached;
      }
      report_.volumes.push_back(std::move(copied));
      if (staging_) staging_->remove(volume);  // makes room in good time
    });
  }

  void stage(const catalog::Volume& volume) {
    if (staging_->holds(volume)) {
      report_.staged.push_back({volume, "", 0, {}});
    } else if (!staging_->has_room(volume)) {
      report_.waiting.push_back(volume);
    } else {
      from_any(volume, [&](const Holder& holder) {
        CopiedVolume staged{volume, "", 0, {}};
        tell(stage_volume(context_, volume, holder.source, others_of(volume, holder), staging_->place(volume)), holder,
             staged);
        report_.staged.push_back(std::move(staged));
      });
    }
  }

  /// What waits for a drive that has it, or was half-made for it: a killed run left it.
  void clear_away() {
    for (const io::Entry& entry : context_.fs.list(staging_->folder())) {
      const std::string id = entry.name.substr(0, entry.name.find('.'));
      const auto volume = context_.catalog.find_volume(id);
      if (volume && volume->info.volume.text() == id && is_there(*volume))
        io::remove_tree(context_.fs, staging_->folder() / entry.name);
    }
  }

  void tell(const CopiedBytes& bytes, const Holder& holder, CopiedVolume& copied) {
    copied.from = holder.label;
    copied.helpers = bytes.helpers;
    copied.mended = bytes.mended;
    copied.mended_slices = bytes.mended_slices;
    report_.bytes += bytes.bytes;
  }

  Context& context_;
  const CopyRequest& request_;
  std::optional<Staging> staging_;
  std::optional<AttachedDrive> target_;  // nothing: not plugged in, and volumes are staged for it
  catalog::Drive target_drive_;
  std::vector<AttachedDrive> sources_;
  CopyReport report_;
};

}  // namespace

std::optional<catalog::Drive> named_drive(Context& context, const std::string& text) {
  if (auto drive = context.catalog.find_drive(text)) return drive;
  const io::Path path(text);
  if (text.empty() || !context.fs.stat_following(path / std::string(formats::drive::kIdentity))) return {};
  return attach(context, text, Visit::kReadOnly).drive;
}

std::vector<catalog::Volume> volumes_named(Context& context, const std::string& text) {
  const auto sealed_of = [&](const std::vector<catalog::Volume>& all, const std::string& name) {
    std::vector<catalog::Volume> sealed;
    std::copy_if(all.begin(), all.end(), std::back_inserter(sealed), [](const auto& one) { return !one.adopted; });
    if (sealed.size() == all.size()) return sealed;
    const auto adopted = std::find_if(all.begin(), all.end(), [](const auto& one) { return one.adopted; });
    const Error why = adopted_can_be_sealed(context, sealed.empty() ? name : "Some of " + name, *adopted);
    if (sealed.empty()) throw why;
    context.note(why.what(), why.hint());
    return sealed;
  };
  constexpr auto kAll = catalog::Volumes::kAll;
  if (const auto drive = named_drive(context, text))
    return sealed_of(context.catalog.volumes_on(drive->id, kAll), "what is on " + drive->label);
  if (const auto volume = context.catalog.find_volume(text)) return {*volume};
  if (const auto shoot = context.catalog.find_shoot(text))
    return sealed_of(context.catalog.volumes_of(shoot->id, kAll), shoot->name);
  throw Error(Code::kNotFound, fmt::format("no drive, shoot or volume is called \"{}\"", core::printable(text)),
              fmt::format("darkshelf find {}", core::shell_quote(text)));
}

CopyReport copy(Context& context, const CopyRequest& request) {
  if (request.what.empty() && !request.missing) {
    throw Error(Code::kUsage, "nothing is named to copy",
                "darkshelf copy SHOOT --to DRIVE, or darkshelf copy --missing --to DRIVE");
  }
  return Copying(context, request).run();
}

}  // namespace darkshelf::rituals
