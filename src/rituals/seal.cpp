#include "rituals/seal.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "rituals/drives.hpp"
#include "rituals/seal_parts.hpp"
#include "rituals/signatures.hpp"
#include "rituals/thumbnails.hpp"
#include "rituals/twins.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

/// Runs a plan. A drive that fails drops out with its reason; the others go on.
class Sealing {
 public:
  Sealing(Context& context, Plan& plan, const sign::SigningKey* key)
      : context_(context), plan_(plan), key_(key), dropped_(plan_.drives.size()) {}

  SealReport run() {
    for (ShootPlan& shoot : plan_.shoots) {
      if (shoot.kind == ShootPlanKind::kSealed) {
        report_.skipped.push_back(core::printable(shoot.source.name));
      } else if (shoot.kind == ShootPlanKind::kMissingCopies) {
        copy_missing(shoot);
      } else {
        seal_shoot(shoot);
      }
    }
    refresh_all();
    core::stop_point("seal.refreshed");
    return std::move(report_);
  }

 private:
  const AttachedDrive& drive(std::size_t index) const { return plan_.drives[index].drive; }
  const std::string& label(std::size_t index) const { return drive(index).drive.label; }

  void drop(std::size_t index, std::exception_ptr error) {
    dropped_[index] = true;
    last_error_ = error;
    report_.failures.push_back(failure_of(label(index), error));
  }

  /// Work on one drive alone; false when it cannot be done there, and the drive has dropped out.
  template <typename Work>
  bool stays(std::size_t index, Work work) {
    try {
      work();
      return true;
    } catch (const Error& error) {
      const bool another_left = error.code() == Code::kDriveGone && !has_left(context_, drive(index));
      if (error.code() == Code::kCancelled || another_left) throw;
      drop(index, std::current_exception());
      return false;
    }
  }

  void clean_incoming(std::size_t index, const core::Uuid& volume) {
    const io::Path folder = incoming_folder(drive(index), volume);
    if (!context_.fs.stat(folder)) return;
    io::remove_tree(context_.fs, folder);
    report_.cleaned.push_back(fmt::format("{}: {}", label(index), folder.string()));
  }

  /// Half-made volumes of runs that were killed, whichever plan they belonged to.
  void clean_all_incoming(std::size_t index) {
    for (const io::Path& path : half_made(context_, drive(index))) {
      io::remove_tree(context_.fs, path);
      report_.cleaned.push_back(fmt::format("{}: {}", label(index), path.string()));
    }
  }

  void forget_quietly(std::size_t index, const core::Uuid& volume) {
    try {
      io::remove_tree(context_.fs, incoming_folder(drive(index), volume));
    } catch (const Error&) {  // the drive may be gone; the next run cleans up
    }
  }

  static std::uint64_t to_write_and_read_back(const volume::Sizes& sizes) {
    return 2 * sizes.payload_bytes + sizes.slice_bytes * sizes.recovery_slices;
  }

  void seal_shoot(ShootPlan& shoot) {
    plan_into_catalog(context_, plan_, shoot);
    core::stop_point("seal.planned");
    for (std::size_t i = 0; i < plan_.drives.size(); ++i) {
      if (!dropped_[i]) stays(i, [&] { clean_all_incoming(i); });
    }
    for (fv::LeftOut& left : shoot.source.unreadable) report_.left_out.push_back(left);
    for (std::size_t i = 0; i < shoot.volumes.size(); ++i) {
      context_.work.told().begin(
          fmt::format("sealing {}, part {} of {}", core::printable(shoot.source.name), i + 1, shoot.volumes.size()),
          to_write_and_read_back(shoot.volumes[i].sizes));
      seal_part(shoot, i);
      context_.work.told().end();
    }
    context_.catalog.record_seal_ended(shoot.group);
    core::stop_point("seal.ended");
  }

  std::vector<std::size_t> live(const std::vector<std::size_t>& drives) const {
    std::vector<std::size_t> out;
    std::copy_if(drives.begin(), drives.end(), std::back_inserter(out), [&](std::size_t i) { return !dropped_[i]; });
    if (out.empty() && last_error_) std::rethrow_exception(last_error_);
    return out;
  }

  void seal_part(ShootPlan& shoot, std::size_t part) {
    const std::vector<std::size_t> wanted = live(shoot.drives[part]);
    SealedVolume sealed;
    sealed.info = shoot.infos[part];
    std::vector<std::size_t> lacking;
    for (const std::size_t index : wanted) {
      bool in_place = false;
      if (!stays(index, [&] { in_place = take_in_place(index, shoot.infos[part]); })) continue;
      if (in_place) {
        sealed.resumed = true;
        sealed.drives.push_back(label(index));
      } else {
        lacking.push_back(index);
      }
    }
    if (!lacking.empty() && !copy_from_twin(shoot.infos[part].volume, lacking, sealed))
      write_part(shoot, part, lacking, sealed);
    add_to_report(std::move(sealed));
  }

  void add_to_report(SealedVolume sealed) {
    if (sealed.drives.empty()) return;
    if (const auto volume = context_.catalog.volume(sealed.info.volume)) {
      sealed.info = volume->info;
      sealed.seal = volume->seal;
      sealed.bytes_on_drive = volume->bytes_on_drive;
      const SignatureView view = known_signature(context_.catalog, *volume);
      if (view.state == SignatureState::kSigned) sealed.signed_by = view.key;
    }
    report_.volumes.push_back(std::move(sealed));
  }

  /// A folder that stands in its place was proven before it was put there; a run that was killed may not have recorded
  /// it.
  bool take_in_place(std::size_t index, const fv::BagInfo& info) {
    const io::Path folder = drive(index).folder() / folder_below(info);
    const auto known = context_.catalog.volume(info.volume);
    if (!context_.fs.stat(folder)) return false;
    if (known && health_on(context_, info.volume, drive(index).drive.id) == catalog::CopyHealth::kGood) return true;
    const Examination found =
        examine(context_, folder, info.volume, known_seal(known), Depth::kEverything, io::ReadMode::kDirect);
    if (!found.intact() || found.loaded->info.volume != info.volume) {
      if (known) return false;  // a copy from elsewhere takes its place
      throw Error(Code::kFailed,
                  fmt::format("{} was left by an interrupted seal and is damaged since", folder.string()),
                  "move that folder away and type the same command again");
    }
    catalog::Volume volume{found.loaded->info, found.loaded->seal, found.loaded->tagmanifest_text, folder_below(info),
                           tree_bytes(context_.fs, folder)};
    context_.catalog.record_volume(volume, found.loaded->members);
    context_.catalog.record_copy(info.volume, drive(index).drive.id, context_.world.now(), found.readback_cached);
    note_signature(context_, drive(index).root, drive(index).drive.id, volume);
    note_cached(index, found.readback_cached);
    return true;
  }

  void note_cached(std::size_t index, bool cached) {
    auto& labels = report_.readback_cached;
    if (cached && std::find(labels.begin(), labels.end(), label(index)) == labels.end()) labels.push_back(label(index));
  }

  /// A volume that is sealed on one drive is copied to the others, never built twice: all copies are byte-identical.
  bool copy_from_twin(const core::Uuid& id, const std::vector<std::size_t>& lacking, SealedVolume& sealed) {
    const auto volume = context_.catalog.volume(id);
    if (!volume) return false;
    std::set<core::Uuid> without;
    for (const std::size_t index : lacking) without.insert(drive(index).drive.id);
    const std::optional<AttachedDrive> twin = best_twin(context_, id, without);
    if (!twin) {
      if (all_copies_on(context_, id, without)) {
        throw Error(Code::kUnrepairable,
                    fmt::format("part {} of {} is sealed already, and its only copy is damaged or missing",
                                volume->info.part, volume->info.shoot_name),
                    fmt::format("darkshelf repair {}; if that cannot mend it, type the same command with --again",
                                core::shell_quote(label(lacking.front()))));
      }
      throw Error(Code::kDriveAbsent,
                  fmt::format("part {} of {} is sealed already, on a drive that is not plugged in", volume->info.part,
                              volume->info.shoot_name),
                  fmt::format("darkshelf show {}   tells which drive to plug in beside these",
                              core::shell_quote(volume->info.shoot_name)));
    }
    for (const std::size_t index : lacking) {
      try {
        const CopiedBytes copied =
            copy_volume(context_, *volume, {twin->volume_folder(*volume), &twin->drive}, {}, drive(index));
        report_.bytes_written += copied.bytes;
        note_cached(index, copied.readback_cached);
        sealed.drives.push_back(label(index));
      } catch (const Error& error) {
        const bool twin_left = error.code() == Code::kDriveGone && !has_left(context_, drive(index));
        if (error.code() == Code::kCancelled || twin_left) throw;
        drop(index, std::current_exception());
      }
    }
    return true;
  }

  void write_part(ShootPlan& shoot, std::size_t part, const std::vector<std::size_t>& drives, SealedVolume& sealed) {
    VolumeToWrite todo;
    todo.info = shoot.infos[part];
    std::tie(todo.info.sequence, todo.info.previous_seal) =
        context_.catalog.number_seal(todo.info.group, todo.info.volume);
    for (const std::size_t entry : shoot.volumes[part].entries) todo.entries.push_back(shoot.source.entries[entry]);
    todo.key = key_;
    ThumbnailSpool spool(context_);
    PhotoRecords photos(context_, pool_, spool, shoot.source.entries, context_.work.memory / 16);
    todo.photos = &photos;
    todo.options.layout = todo.info.layout;
    todo.options.volume_bytes = plan_.request.volume_bytes;
    todo.options.parity_percent = plan_.request.parity_percent;
    try {
      write_prove_declare(todo, drives, sealed, spool);
    } catch (...) {
      for (const std::size_t index : drives) forget_quietly(index, todo.info.volume);
      throw;
    }
  }

  void write_prove_declare(VolumeToWrite& todo, const std::vector<std::size_t>& drives, SealedVolume& sealed,
                           ThumbnailSpool& spool) {
    std::vector<std::size_t> taking;
    std::vector<io::Path> roots;
    std::vector<std::unique_ptr<Proof>> proofs;
    std::optional<io::FanOut> targets;
    std::optional<WrittenVolume> written;
    while (!written) {
      taking.clear();
      roots.clear();
      proofs.clear();
      for (const std::size_t index : live(drives)) {
        const io::Path root = incoming_folder(drive(index), todo.info.volume);
        const bool ready = stays(index, [&] {
          io::remove_tree(context_.fs, root);
          context_.fs.make_dirs(root);
        });
        if (!ready) continue;
        taking.push_back(index);
        roots.push_back(root);
      }
      live(drives);  // throws the reason when none is left
      const bool files_left =
          std::any_of(todo.entries.begin(), todo.entries.end(),
                      [](const volume::SourceEntry& entry) { return entry.member.type == fv::MemberType::kFile; });
      if (!files_left) {
        for (const fv::LeftOut& left : todo.info.left_out) report_.left_out.push_back(left);
        for (const std::size_t index : drives) forget_quietly(index, todo.info.volume);
        return;  // nothing of this part could be read: there is no volume
      }
      targets.emplace(context_.fs, roots);
      Context each = context_;
      each.work.memory /= roots.size();
      for (const io::Path& root : roots) {
        proofs.push_back(std::make_unique<Proof>(each, root));
        each.work.progress = nullptr;  // one tells for all
      }
      written = write_volume(context_, todo, *targets, proofs);
    }
    report_.bytes_read += written->bytes_read;
    report_.parity_plan = written->parity_plan;
    for (const fv::LeftOut& left : written->info.left_out) report_.left_out.push_back(left);
    prove_all(taking, proofs, *targets, *written);
    declare(taking, *written, sealed);
    tell_pictures(report_, written->photos);
    if (const std::string& why = written->photos.without_thumbnails; !why.empty())
      context_.note(fmt::format("thumbnails were not all kept: {}", why), "");
    keep_thumbnails(context_, written->info.volume, written->members, written->photos.thumbnails, spool);
  }

  /// Reads what was not read back yet of every live drive, all at once.
  void prove_all(const std::vector<std::size_t>& drives, const std::vector<std::unique_ptr<Proof>>& proofs,
                 io::FanOut& targets, const WrittenVolume& written) {
    std::vector<std::exception_ptr> failures(drives.size());
    std::vector<char> cached(drives.size());
    core::parallel_for(static_cast<unsigned>(drives.size()), drives.size(), [&](std::size_t i) {
      if (!targets.alive(i)) {
        failures[i] = targets.error(i);
        return;
      }
      try {
        cached[i] = proofs[i]->finish(written) ? 1 : 0;
      } catch (...) {
        failures[i] = std::current_exception();
      }
    });
    for (std::size_t i = 0; i < drives.size(); ++i) {
      if (failures[i]) {
        try {
          std::rethrow_exception(failures[i]);
        } catch (const Error& error) {
          if (error.code() == Code::kCancelled) throw;
        } catch (const std::exception&) {  // told by drop
        }
        drop(drives[i], failures[i]);
        forget_quietly(drives[i], written.info.volume);
      } else {
        note_cached(drives[i], cached[i] != 0);
      }
    }
    core::stop_point("seal.proven");
  }

  void declare(const std::vector<std::size_t>& drives, const WrittenVolume& written, SealedVolume& sealed) {
    const std::vector<std::size_t> proven = live(drives);
    const catalog::Volume volume{written.info, written.seal, written.tagmanifest, folder_below(written.info),
                                 written.bytes_on_drive};
    std::vector<std::size_t> placed;
    for (const std::size_t index : proven) {
      try {
        put_in_place(context_, drive(index), volume, Place::kEmpty);
        placed.push_back(index);
      } catch (const Error&) {
        drop(index, std::current_exception());
      }
      core::stop_point("seal.renamed");
    }
    live(drives);  // throws the reason when no drive took it
    context_.catalog.record_volume(volume, written.members);
    core::stop_point("seal.volume-recorded");
    for (const std::size_t index : placed) {
      const auto& labels = report_.readback_cached;
      const bool cached = std::find(labels.begin(), labels.end(), label(index)) != labels.end();
      context_.catalog.record_copy(written.info.volume, drive(index).drive.id, context_.world.now(), cached);
      record_signature(context_, drive(index).drive.id, volume, written.signature);
      sealed.drives.push_back(label(index));
      report_.bytes_written += written.bytes_on_drive;
    }
    core::stop_point("seal.recorded");
  }

  void copy_missing(ShootPlan& shoot) {
    for (std::size_t i = 0; i < shoot.to_copy.size(); ++i) {
      const auto volume = context_.catalog.volume(shoot.to_copy[i]);
      SealedVolume sealed;
      sealed.info = volume->info;
      std::vector<std::size_t> lacking;
      for (const std::size_t index : live(shoot.drives[i])) {
        bool in_place = false;
        if (!stays(index, [&] { in_place = take_in_place(index, volume->info); })) continue;
        if (in_place) {
          sealed.drives.push_back(label(index));
        } else {
          lacking.push_back(index);
        }
      }
      copy_from_twin(volume->info.volume, lacking, sealed);
      add_to_report(std::move(sealed));
    }
  }

  /// The catalog copy on the drives is convenience: a failure is told, what was sealed stays sealed.
  void refresh_all() {
    for (std::size_t i = 0; i < plan_.drives.size(); ++i) {
      if (dropped_[i]) continue;
      try {
        refresh_drive(context_, drive(i));
      } catch (const Error& error) {
        report_.failures.push_back({label(i),
                                    fmt::format("sealed, but its catalog copy is not refreshed: {}", error.what()),
                                    error.code(), error.hint()});
      }
    }
  }

  Context& context_;
  Plan& plan_;
  const sign::SigningKey* key_;
  std::vector<char> dropped_;
  std::exception_ptr last_error_;
  photo::Pool pool_;
  SealReport report_;
};

}  // namespace

SealReport seal(Context& context, Plan plan, const sign::SigningKey* key) { return Sealing(context, plan, key).run(); }

}  // namespace darkshelf::rituals
