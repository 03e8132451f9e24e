#include "rituals/signatures.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "rituals/quarantine.hpp"
#include "rituals/seal_parts.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
namespace fm = formats::minisig;
namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

/// A signature file as it lies there.
struct Lying {
  std::string below;  // the drive's root
  bool there = false;
  bool hidden = false;  // the folder that would tell cannot be read
  std::string text;
  SignatureView view;
  bool edited = false;  // true, but not what it was beside the signature itself
};

Lying look_at(Context& context, const io::Path& root, const std::string& below, std::string_view sealed,
              const std::vector<catalog::KnownKey>& keys) {
  Lying lying{below, false, false, {}, {}};
  const io::Looked found = io::look_at(context.fs, root / below);
  lying.hidden = found.unreadable;
  if (!found.stat) return lying;
  try {
    lying.there = true;
    lying.view.state = SignatureState::kDamaged;
    if (!found.is(io::FileType::kRegular)) return lying;
    lying.text = io::read_text(context.fs, root / below, fm::kLongest, io::ReadMode::kDirect);
    lying.view = judge_signature(keys, sealed, lying.text);
  } catch (const Error& error) {
    if (error.code() == Code::kCorrupt) return lying;  // longer than any signature
    if (ends_all(error) || !io::is_read_error(error)) throw;
    lying.there = true;
    lying.view.state = SignatureState::kUnreadable;
  }
  return lying;
}

std::string in_volume(const catalog::Volume& volume) {
  return fmt::format("{}/{}/{}", fd::kFolder, volume.folder, fv::kSignature);
}
std::string second_copy(const core::Uuid& volume) {
  return fmt::format("{}/{}/{}", fd::kSeals, volume.text(), fv::kSignature);
}

/// What is wrong about a file, once it is known what should be there.
std::optional<FindingKind> wrong_about(const Lying& lying, const std::string& good) {
  if (!lying.there) return lying.hidden ? FindingKind::kUnreadable : FindingKind::kMissing;
  switch (lying.view.state) {
    case SignatureState::kUnsigned:
      return {};
    case SignatureState::kSigned:
      return lying.edited ? std::optional(FindingKind::kDamaged) : std::nullopt;
    case SignatureState::kUnreadable:
      return FindingKind::kUnreadable;
    case SignatureState::kUnknownKey:
      return FindingKind::kChanged;  // the key's number may have rotted, but whoever says so can be mistaken
    case SignatureState::kDoesNotMatch:
    case SignatureState::kDamaged:
      break;
  }
  return lying.text == good ? std::nullopt : std::optional(FindingKind::kDamaged);
}

/// The same for a drive on which nothing tells what should be there.
std::optional<FindingKind> wrong_in_itself(const Lying& lying) {
  switch (lying.view.state) {
    case SignatureState::kDoesNotMatch:
      return FindingKind::kChanged;
    case SignatureState::kDamaged:
      return FindingKind::kDamaged;
    case SignatureState::kUnreadable:
      return FindingKind::kUnreadable;
    default:
      return {};
  }
}

/// The same signature with another first line, which no signature protects.
bool is_edited(const Lying& lying, const std::string& known) {
  if (lying.view.state != SignatureState::kSigned || known.empty()) return false;
  fm::Signature here = fm::decode_signature(lying.text);
  const fm::Signature there = fm::decode_signature(known);
  if (here.comment == there.comment) return false;
  here.comment = there.comment;
  return fm::encode_signature(here) == fm::encode_signature(there);
}

bool holds(Context& context, const io::Path& path, const std::string& text) {
  const auto stat = context.fs.stat(path);
  return stat && stat->type == io::FileType::kRegular && stat->bytes == text.size() &&
         io::read_text(context.fs, path, fm::kLongest, io::ReadMode::kDirect) == text;
}

void write_second_copy(Context& context, const AttachedDrive& drive, const catalog::Volume& volume,
                       const std::string& text) {
  const std::string below = second_copy(volume.info.volume);
  if (holds(context, drive.root / below, text)) return;
  clear_the_way(context.fs, drive, below, context.world.now());
  context.fs.make_dirs((drive.root / below).parent_path());
  io::write_file_durably(context.fs, drive.root / below, core::as_bytes(text));
}

/// Made where half-made things are looked for and removed: the volume only ever gets a whole one.
void write_into_volume(Context& context, const AttachedDrive& drive, const catalog::Volume& volume,
                       const std::string& text) {
  io::FileSystem& fs = context.fs;
  const std::string below = in_volume(volume);
  io::Path fresh = incoming_folder(drive, volume.info.volume);
  fresh += ".minisig";
  fs.make_dirs(fresh.parent_path());
  io::remove_tree(fs, fresh);
  {
    const auto file = fs.create(fresh);
    file->write_at(0, core::as_bytes(text));
    file->set_mtime(volume.info.sealed.time_since_epoch().count());
    file->sync();
  }
  set_aside(fs, drive, below, context.world.now());
  fs.rename(fresh, drive.root / below);
  fs.sync_dir((drive.root / below).parent_path());
  fs.sync_dir(fresh.parent_path());
}

bool is_public_key(Context& context, const io::Path& path, const fm::PublicKey& key) {
  const auto stat = context.fs.stat(path);
  if (!stat || stat->type != io::FileType::kRegular) return false;
  try {
    const fm::PublicKey found =
        fm::decode_public_key(io::read_text(context.fs, path, fm::kLongest, io::ReadMode::kDirect));
    return found.id == key.id && found.key == key.key;
  } catch (const Error& error) {
    if (error.code() != Code::kCorrupt) throw;
    return false;
  }
}

/// Of the keys that signed something on a drive, those this catalog was told of.
std::vector<fm::PublicKey> keys_on(Context& context, const AttachedDrive& drive) {
  const std::vector<std::string> ids = context.catalog.signing_keys_on(drive.drive.id);
  std::vector<fm::PublicKey> keys;
  for (const catalog::KnownKey& known : context.catalog.keys()) {
    const bool signed_here = std::find(ids.begin(), ids.end(), fm::text_of(known.key.id)) != ids.end();
    if (known.told_here && signed_here) keys.push_back(known.key);
  }
  return keys;
}

}  // namespace

std::string_view name_of(SignatureState state) {
  switch (state) {
    case SignatureState::kUnsigned:
      return "unsigned";
    case SignatureState::kSigned:
      return "signed";
    case SignatureState::kUnknownKey:
      return "unknown key";
    case SignatureState::kDoesNotMatch:
      return "does not match";
    case SignatureState::kDamaged:
      return "damaged";
    case SignatureState::kUnreadable:
      return "unreadable";
  }
  return "";
}

std::string sentence_of(const SignatureView& view) {
  const std::string signer = core::printable(view.signer);
  switch (view.state) {
    case SignatureState::kUnsigned:
      return "unsigned";
    case SignatureState::kSigned:
      return fmt::format("signed by {} (key {})", signer, view.key);
    case SignatureState::kUnknownKey:
      return fmt::format("signed by an unknown key, {}{}", view.key,
                         signer.empty() ? "" : fmt::format(" (said to be {}'s; not trusted here)", signer));
    case SignatureState::kDoesNotMatch:
      return fmt::format("the signature by {} (key {}) does not match", signer, view.key);
    case SignatureState::kDamaged:
      return "the signature is damaged";
    case SignatureState::kUnreadable:
      return "the signature cannot be read";
  }
  return {};
}

SignatureView judge_signature(const std::vector<catalog::KnownKey>& keys, std::string_view sealed,
                              const std::string& text) {
  SignatureView view;
  fm::Signature signature;
  try {
    signature = fm::decode_signature(text);
  } catch (const Error& error) {
    if (error.code() != Code::kCorrupt) throw;
    view.state = SignatureState::kDamaged;
    return view;
  }
  view.key = fm::text_of(signature.id);
  view.comment = signature.trusted_comment;
  view.state = SignatureState::kUnknownKey;
  for (const catalog::KnownKey& known : keys) {
    if (known.key.id != signature.id) continue;
    const bool fits = sign::verify(known.key, core::as_bytes(sealed), signature) == sign::Verdict::kFits;
    if (known.trusted && fits) {
      view.signer = known.name;
      view.state = SignatureState::kSigned;
      return view;
    }
    if (known.trusted) {
      view.signer = known.name;
      view.state = SignatureState::kDoesNotMatch;
    } else if (fits && view.state == SignatureState::kUnknownKey) {
      view.signer = known.name;
    }
  }
  return view;
}

SignatureView known_signature(catalog::Catalog& catalog, const catalog::Volume& volume) {
  const auto keys = catalog.keys();
  SignatureView best;
  for (const catalog::KnownSignature& known : catalog.signatures_of(volume.info.volume)) {
    SignatureView view = judge_signature(keys, volume.tagmanifest, known.text);
    if (view.state == SignatureState::kSigned) return view;
    if (view.state == SignatureState::kUnknownKey)
      best = std::move(view);  // of others nothing is told: no file is here
  }
  return best;
}

DriveSignature examine_signature(Context& context, const io::Path& root, const core::Uuid& drive,
                                 const catalog::Volume& volume, const std::vector<catalog::KnownKey>& keys) {
  DriveSignature out;
  Lying places[] = {look_at(context, root, in_volume(volume), volume.tagmanifest, keys),
                    look_at(context, root, second_copy(volume.info.volume), volume.tagmanifest, keys)};
  bool recorded = false;
  std::string from_catalog;
  for (const catalog::KnownSignature& known : context.catalog.signatures_of(volume.info.volume)) {
    const bool here = known.drive == drive && known.expected;
    if (!here && !from_catalog.empty()) continue;
    if (judge_signature(keys, volume.tagmanifest, known.text).state != SignatureState::kSigned) continue;
    from_catalog = known.text;
    recorded |= here;
  }
  const bool any = places[0].there || places[1].there;
  for (Lying& place : places) {
    place.edited = recorded && is_edited(place, from_catalog);
    if (out.good.empty() && place.view.state == SignatureState::kSigned)
      out.good = place.edited ? from_catalog : place.text;
  }
  const bool true_here = !out.good.empty();
  if (out.good.empty()) out.good = from_catalog;
  out.new_here = true_here && !recorded;
  out.elsewhere = !any && !recorded && !out.good.empty();
  out.view = places[0].there ? places[0].view : places[1].view;
  const bool should_be_there = true_here || recorded;
  if (!places[0].there && should_be_there) out.view = judge_signature(keys, volume.tagmanifest, out.good);
  for (const Lying& place : places) {
    const auto kind = should_be_there ? wrong_about(place, out.good) : wrong_in_itself(place);
    if (kind) out.findings.push_back({*kind, place.below, {}, place.text.size()});
  }
  return out;
}

void record_signature(Context& context, const core::Uuid& drive, const catalog::Volume& volume,
                      const std::string& text) {
  if (text.empty()) return;
  if (judge_signature(context.catalog.keys(), volume.tagmanifest, text).state == SignatureState::kSigned)
    context.catalog.record_signature(volume.info.volume, drive, fm::decode_signature(text));
}

void note_signature(Context& context, const io::Path& root, const core::Uuid& drive, const catalog::Volume& volume) {
  const DriveSignature found = examine_signature(context, root, drive, volume, context.catalog.keys());
  if (found.new_here) context.catalog.record_signature(volume.info.volume, drive, fm::decode_signature(found.good));
}

std::optional<shelf::Link> link_at(Context& context, const io::Path& folder) {
  try {
    const volume::LoadedVolume loaded =
        volume::load_volume(context.fs, folder, {}, io::ReadMode::kCached, context.work);
    catalog::Volume volume{loaded.info, loaded.seal, {}, {}, 0};
    volume.folder = (folder.parent_path().filename() / folder.filename()).string();
    return shelf::link_of(volume);
  } catch (const Error& error) {
    if (ends_all(error)) throw;
    return {};
  }
}

void SignatureTally::add(const SignatureView& view) {
  ++counts_[{view.state == SignatureState::kUnsigned, view.state, view.signer, view.key}];
}

std::vector<std::pair<SignatureView, std::uint64_t>> SignatureTally::rows() const {
  std::vector<std::pair<SignatureView, std::uint64_t>> out;
  for (const auto& [what, count] : counts_) {
    const auto& [is_unsigned, state, signer, key] = what;
    out.push_back({{state, key, signer, {}}, count});
  }
  return out;
}

bool SignatureTally::any_signature() const {
  return std::any_of(counts_.begin(), counts_.end(), [](const auto& row) { return !std::get<0>(row.first); });
}

std::string make_signature(const sign::SigningKey& key, const fv::BagInfo& info, std::string_view sealed,
                           core::Time when) {
  const std::string comment = fmt::format("darkshelf volume {}, number {} of catalog {}, signed {}", info.volume.text(),
                                          info.sequence, info.writer.text(), core::format_time(when));
  return fm::encode_signature(
      key.sign(core::as_bytes(sealed), comment,
               fmt::format("signature by key {} of the seal beside it", fm::text_of(key.public_key().id))));
}

std::string signature_to_carry(Context& context, const catalog::Volume& volume, const io::Path& folder) {
  const auto keys = context.catalog.keys();
  const auto state = [&](const std::string& text) { return judge_signature(keys, volume.tagmanifest, text).state; };
  for (const catalog::KnownSignature& known : context.catalog.signatures_of(volume.info.volume)) {
    if (state(known.text) == SignatureState::kSigned) return known.text;
  }
  try {
    const io::Path path = folder / std::string(fv::kSignature);
    const auto stat = context.fs.stat(path);
    if (!stat || stat->type != io::FileType::kRegular) return {};
    std::string text = io::read_text(context.fs, path, fm::kLongest);
    const SignatureState found = state(text);
    if (found == SignatureState::kSigned || found == SignatureState::kUnknownKey) return text;
  } catch (const Error& error) {
    if (error.code() != Code::kCorrupt && !io::is_read_error(error)) throw;
  }
  return {};
}

void place_signature(Context& context, const AttachedDrive& drive, const catalog::Volume& volume,
                     const std::string& text) {
  write_second_copy(context, drive, volume, text);
  core::stop_point("sign.second-written");
  if (!holds(context, drive.root / in_volume(volume), text)) write_into_volume(context, drive, volume, text);
  core::stop_point("sign.placed");
  record_signature(context, drive.drive.id, volume, text);
  core::stop_point("sign.recorded");
}

std::string key_file_on_drive(const std::string& id) {
  return fmt::format("{}/{}{}", fd::kKeys, id, fm::kPublicKeyEnding);
}

void write_keys(Context& context, const AttachedDrive& drive) {
  for (const fm::PublicKey& key : keys_on(context, drive)) {
    const std::string below = key_file_on_drive(fm::text_of(key.id));
    if (is_public_key(context, drive.root / below, key)) continue;
    clear_the_way(context.fs, drive, below, context.world.now());
    context.fs.make_dirs((drive.root / below).parent_path());
    io::write_file_durably(context.fs, drive.root / below, core::as_bytes(fm::encode_public_key(key)));
  }
}

std::vector<FileFinding> examine_keys(Context& context, const AttachedDrive& drive) {
  std::vector<FileFinding> findings;
  for (const fm::PublicKey& key : keys_on(context, drive)) {
    const std::string below = key_file_on_drive(fm::text_of(key.id));
    try {
      if (is_public_key(context, drive.root / below, key)) continue;
      const bool there = context.fs.stat(drive.root / below).has_value();
      findings.push_back({there ? FindingKind::kDamaged : FindingKind::kMissing, below, {}, 0});
    } catch (const Error& error) {
      if (ends_all(error) || !io::is_read_error(error)) throw;
      findings.push_back({FindingKind::kUnreadable, below, {}, 0});
    }
  }
  return findings;
}

}  // namespace darkshelf::rituals
