#include "rituals/sign_copies.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "rituals/copy.hpp"
#include "rituals/drives.hpp"
#include "rituals/seal_parts.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

class Signing {
 public:
  Signing(Context& context, const sign::SigningKey& key) : context_(context), key_(key) {}

  SignReport run(const std::vector<std::string>& what) {
    for (const std::string& text : what) {
      const auto drive = named_drive(context_, text);
      for (const catalog::Volume& volume : volumes_named(context_, text)) want(volume, drive);
    }
    for (const auto& [drive, volumes] : wanted_) sign_on(drive, volumes);
    return std::move(report_);
  }

 private:
  void want(const catalog::Volume& volume, const std::optional<catalog::Drive>& drive) {
    if (drive) named_.insert(drive->id);
    for (const catalog::Copy& copy : context_.catalog.copies_of(volume.info.volume)) {
      if (!drive || copy.drive == drive->id) wanted_[copy.drive].insert_or_assign(volume.info.volume, volume);
    }
  }

  void sign_on(const core::Uuid& id, const std::map<core::Uuid, catalog::Volume>& volumes) {
    const auto known = context_.catalog.drive(id);
    const std::string label = known ? known->label : id.text();
    try {
      const AttachedDrive drive = attach(context_, id.text(), Visit::kWrite);
      require_writable(context_, drive);
      for (const auto& [uuid, volume] : volumes) {
        context_.work.check();
        sign_copy(drive, volume);
      }
      const std::string not_refreshed = try_to_refresh(context_, drive);
      if (!not_refreshed.empty()) report_.not_refreshed.push_back(not_refreshed);
    } catch (const Error& error) {
      const bool only_this_one = error.code() == Code::kDriveAbsent || error.code() == Code::kWrongDrive;
      if (named_.contains(id) || !only_this_one) throw;
      for (const auto& [uuid, volume] : volumes) {
        if (error.code() == Code::kDriveAbsent) {
          report_.absent.emplace_back(volume, label);
        } else {
          report_.copies.push_back({volume, label, SignReport::Outcome::kRefused, {}, error.what(), false});
        }
      }
    }
  }

  void sign_copy(const AttachedDrive& drive, const catalog::Volume& volume) {
    SignReport::Copy copy{volume, drive.drive.label, SignReport::Outcome::kSigned, {}, {}, false};
    if (!may_be_signed(drive, volume, copy)) {
      copy.outcome = SignReport::Outcome::kRefused;
      return report_.copies.push_back(std::move(copy));
    }
    const auto keys = context_.catalog.keys();
    const DriveSignature found = examine_signature(context_, drive.root, drive.drive.id, volume, keys);
    if (found.findings.empty() && found.view.state == SignatureState::kSigned) {
      if (found.new_here) record_signature(context_, drive.drive.id, volume, found.good);
      copy.outcome = SignReport::Outcome::kAlready;
      copy.view = found.view;
    } else {
      // What another copy has, this one gets too: all files of all copies are the same.
      const std::string text = !found.good.empty()
                                   ? found.good
                                   : make_signature(key_, volume.info, volume.tagmanifest, context_.world.now());
      place_signature(context_, drive, volume, text);
      copy.view = judge_signature(keys, volume.tagmanifest, text);
    }
    report_.copies.push_back(std::move(copy));
  }

  /// Nothing is signed that is not what the catalog knows: the seal there, byte for byte.
  bool may_be_signed(const AttachedDrive& drive, const catalog::Volume& volume, SignReport::Copy& copy) {
    const io::Path seal = drive.volume_folder(volume) / std::string(fv::kTagManifest);
    try {
      const auto stat = context_.fs.stat(seal);
      if (!stat || stat->type != io::FileType::kRegular) {
        copy.why = "it, or its seal, is missing there";
        return false;
      }
      copy.contradicts =
          io::read_text(context_.fs, seal, volume.tagmanifest.size() + 1, io::ReadMode::kDirect) != volume.tagmanifest;
    } catch (const Error& error) {
      if (error.code() != Code::kCorrupt && !io::is_read_error(error)) throw;
      copy.contradicts = error.code() == Code::kCorrupt;  // longer than it was sealed
      copy.why = error.what();
    }
    if (copy.contradicts) copy.why = "the seal there is not the one that was recorded";
    return copy.why.empty();
  }

  Context& context_;
  const sign::SigningKey& key_;
  std::map<core::Uuid, std::map<core::Uuid, catalog::Volume>> wanted_;  // by drive
  std::set<core::Uuid> named_;
  SignReport report_;
};

}  // namespace

SignReport sign_copies(Context& context, const std::vector<std::string>& what, const sign::SigningKey& key) {
  return Signing(context, key).run(what);
}

}  // namespace darkshelf::rituals
