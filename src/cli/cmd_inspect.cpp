#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/signed.hpp"
#include "core/text.hpp"
#include "formats/drive/drive_files.hpp"
#include "parity/set_reader.hpp"
#include "rituals/parcel_file.hpp"

namespace darkshelf::cli {

using core::Code;
using core::Error;
namespace fm = formats::minisig;
namespace fv = formats::volume;

namespace {

constexpr std::uint64_t kTextLimit = 512 << 20, kTarMagicAt = 257;
constexpr std::string_view kTarMagic = "ustar";

class Inspection {
 public:
  Inspection(Session& session, const io::Path& path)
      : session_(session), path_(path), name_(path.filename().string()) {}

  int run() {
    const auto stat = io::posix().stat_following(path_);
    if (!stat)
      throw Error(Code::kNotFound, fmt::format("there is no {}", core::printable(path_.string())),
                  "look at its name (ls)");
    if (stat->type != io::FileType::kRegular)
      throw Error(Code::kUsage, fmt::format("{} is no file", core::printable(path_.string())), "name a file in it");
    const std::string start = start_at(0, 16);
    if (start.starts_with(std::string_view("PAR2\0PKT", 8)) || name_.ends_with(".par2")) return par2();
    if (start.starts_with("SQLite format 3")) return catalog_file();
    if (start.starts_with("{\"darkshelf\":")) return parcel();
    if (name_ == "drive.json") return drive();
    if (name_ == "CURRENT") return current();
    if (name_ == fv::kBagInfo) return bag_info();
    if (name_ == fv::kMembers) return members();
    if (name_ == fv::kSlices) return say("list of slices", {{"slices", fv::decode_slices(text()).size()}});
    if (name_.ends_with(fm::kSignatureEnding)) return signature();
    if (name_.ends_with(fm::kPublicKeyEnding)) return public_key();
    if (name_ == "signing.key") return secret_key();
    if (name_ == fv::kManifest || name_ == fv::kTagManifest || name_ == fv::kPhotos) return manifest();
    if (path_.filename() == io::Path(std::string(formats::drive::kLock)).filename())
      return say("lock of a drive: while somebody works on it, it tells who", bytes_field());
    if (name_ == fv::kBagit && text() == fv::bagit_txt())
      return say("declaration that a volume is a BagIt bag", {{"BagIt version", "1.0"}});
    if (name_.starts_with("START-HERE") && name_.ends_with(".txt")) return start_here();
    if (const io::Path volume = volume_around(); !volume.empty()) return payload(volume);
    if (start_at(kTarMagicAt, kTarMagic.size()) == kTarMagic) return say("tar", bytes_field());
    throw Error(Code::kFailed, fmt::format("{} is nothing darkshelf writes or reads", core::printable(path_.string())),
                "it knows catalogs, PAR2 files, requests, parcels, signatures and keys, and the files below darkshelf/ "
                "on a drive");
  }

 private:
  std::string start_at(std::uint64_t offset, std::size_t bytes) {
    core::Bytes head(bytes);
    const std::size_t got = io::posix().open_read(path_)->read_at(offset, head);
    return std::string(core::as_text(core::ByteSpan(head).first(got)));
  }
  Json bytes_field() { return {{"bytes", io::posix().stat_following(path_)->bytes}}; }

  int start_here() {
    const std::string content = text();
    return say("how to get the photos of this drive back without darkshelf",
               {{"lines", std::count(content.begin(), content.end(), '\n')}});
  }

  /// The folder of the volume whose payload this file is part of; empty where there is none.
  io::Path volume_around() {
    for (io::Path at = io::posix().canonical(path_).parent_path(); at.has_relative_path(); at = at.parent_path()) {
      if (at.filename() != "data") continue;
      const auto info = io::posix().stat(at.parent_path() / std::string(fv::kBagInfo));
      if (info && info->type == io::FileType::kRegular) return at.parent_path();
    }
    return {};
  }
  int payload(const io::Path& volume) {
    const fv::BagInfo info =
        fv::decode_bag_info(io::read_text(io::posix(), volume / std::string(fv::kBagInfo), kTextLimit));
    Json fields = bytes_field();
    fields["volume"] = info.volume.text();
    fields["folder"] = fv::year_folder(info) + "/" + fv::folder_name(info);
    fields["shoot"] = core::printable(info.shoot_name);
    fields["photos"] = info.photos;
    fields["files"] = info.content_files;
    if (info.layout == fv::Layout::kTar) return say("the photos of a volume, a tar", std::move(fields));
    return say("a file of a volume", std::move(fields));
  }

  std::string text() { return io::read_text(io::posix(), path_, kTextLimit); }

  int say(const std::string& what, Json fields) {
    Output& out = session_.out();
    out.line(fmt::format("{}: {}", core::printable(path_.string()), what));
    for (const auto& [key, value] : fields.items())
      out.line(fmt::format("    {:22} {}", key, value.is_string() ? value.get<std::string>() : value.dump()));
    Json object;
    put_path(object, "path", path_.string());
    object["what"] = what;
    for (const auto& [key, value] : fields.items()) object[key] = value;
    out.object("inspected", std::move(object));
    return kGood;
  }

  int par2() {
    const parity::PacketScan scan = parity::scan_packets(io::posix(), {path_}, io::ReadMode::kCached, session_.work());
    std::uint64_t bad = 0;
    for (const parity::BadRange& range : scan.bad) bad += range.bytes;
    Json fields = {{"set", core::to_hex(scan.set_id)},
                   {"creator", core::printable(scan.creator)},
                   {"files", scan.descriptions.size()},
                   {"recovery slices", scan.recovery.size()},
                   {"damaged bytes", bad}};
    if (scan.main) fields["slice bytes"] = scan.main->slice_bytes;
    for (const auto& [id, file] : scan.descriptions)
      fields["protects " + core::to_hex(id).substr(0, 8)] =
          fmt::format("{} ({})", core::printable(file.name), core::format_size(file.bytes));
    say("PAR2 packets", std::move(fields));
    return bad == 0 ? kGood : kDamageRepairable;
  }

  int parcel() {
    const auto file = rituals::ParcelFile::open(io::posix(), path_, session_.work());
    const formats::parcel::Parcel& head = file->head();
    const bool request = head.kind == formats::parcel::Kind::kRequest;
    std::uint64_t slices = 0, needed = 0, lists = 0;
    for (const formats::parcel::Part& part : head.parts) {
      slices += part.slices.size();
      needed += part.needed;
      lists += part.files.size();
    }
    Json fields = {{"for drive", core::printable(head.label)}, {"drive id", head.drive.text()}};
    if (!request) fields["read from"] = core::printable(head.from);
    fields["made"] = core::format_time(head.made);
    fields["format"] = formats::parcel::kFormat;
    fields["creator"] = core::printable(head.creator);
    fields["slices"] = slices;
    if (request) fields["needed"] = needed;
    fields["lists"] = lists;
    if (!request) fields["bytes"] = head.data_bytes();
    for (const formats::parcel::Part& part : head.parts)
      fields["volume " + part.volume.text().substr(0, 8)] = core::printable(part.folder);
    return say(request ? "request for what a drive lacks" : "parcel for a drive that is damaged", std::move(fields));
  }

  int drive() {
    const auto identity = formats::drive::decode_identity(text());
    return say("identity of an archive drive", {{"id", identity.id.text()},
                                                {"label", core::printable(identity.label)},
                                                {"created", core::format_time(identity.created)},
                                                {"format", identity.format},
                                                {"catalog", identity.catalog_mode}});
  }
  int current() {
    const auto current = formats::drive::decode_current(text());
    return say("which catalog copy counts",
               {{"name", current.name}, {"bytes", current.bytes}, {"sha256", core::to_hex(current.sha256)}});
  }
  int bag_info() {
    const fv::BagInfo info = fv::decode_bag_info(text());
    return say("description of a volume", {{"volume", info.volume.text()},
                                           {"shoot", core::printable(info.shoot_name)},
                                           {"date", info.shoot_date},
                                           {"part", info.part},
                                           {"parts", info.parts},
                                           {"layout", fv::name_of(info.layout)},
                                           {"photos", info.photos},
                                           {"files", info.content_files},
                                           {"slices", info.slices},
                                           {"recovery slices", info.recovery_slices},
                                           {"sealed", core::format_time(info.sealed)},
                                           {"writer", info.writer.text()},
                                           {"sequence", info.sequence},
                                           {"previous seal", info.previous_seal},
                                           {"left out", info.left_out.size()},
                                           {"folder", fv::year_folder(info) + "/" + fv::folder_name(info)}});
  }
  int members() {
    const auto members = fv::decode_members(text());
    std::uint64_t files = 0, links = 0, bytes = 0;
    for (const fv::Member& member : members) {
      files += member.type == fv::MemberType::kFile || member.type == fv::MemberType::kHardLink ? 1 : 0;
      links += member.type == fv::MemberType::kSymlink ? 1 : 0;
      bytes += member.bytes;
    }
    return say("list of members", {{"entries", members.size()}, {"files", files}, {"links", links}, {"bytes", bytes}});
  }
  int manifest() {
    const std::string content = text();
    Json fields = {{"files", fv::decode_manifest(content).size()}};
    if (name_ == fv::kTagManifest) fields["seal"] = core::to_hex(digest::sha256(core::as_bytes(content)));
    return say(name_ == fv::kTagManifest ? "seal of a volume" : "list of hashes", std::move(fields));
  }
  /// Of the keys that are trusted here; none where there is no catalog.
  std::vector<catalog::KnownKey> known_keys() {
    if (!io::posix().stat_following(session_.catalog_path())) return {};
    return session_.catalog(catalog::Catalog::Access::kRead).keys();
  }
  /// And who made it of the file it is beside, if that is there.
  int signature() {
    const std::string content = text();
    const fm::Signature signature = fm::decode_signature(content);
    Json fields = {{"key", fm::text_of(signature.id)},
                   {"trusted comment", core::printable(signature.trusted_comment)},
                   {"over", signature.prehashed ? "BLAKE2b-512 of the file" : "the file itself"}};
    const std::string whole = path_.string();
    const io::Path of = whole.substr(0, whole.size() - fm::kSignatureEnding.size());
    bool matches = true;
    if (io::posix().stat_following(of)) {
      const std::string over = io::read_text(io::posix(), of, kTextLimit);
      const rituals::SignatureView view = rituals::judge_signature(known_keys(), over, content);
      matches = view.state != rituals::SignatureState::kDoesNotMatch;
      fields["state"] = rituals::name_of(view.state);
      fields["verdict"] = fmt::format("{}: {}", core::printable(of.filename().string()), rituals::sentence_of(view));
    }
    say("signature", std::move(fields));
    return matches ? kGood : kDamageBeyondRepair;
  }
  int public_key() {
    const fm::PublicKey key = fm::decode_public_key(text());
    bool trusted = false;
    std::string name;
    for (const catalog::KnownKey& known : known_keys()) {
      if (known.key.id != key.id || known.key.key != key.key) continue;
      trusted = known.trusted;
      name = core::printable(known.name);
    }
    return say("public key", {{"key", fm::text_of(key.id)},
                              {"public key", fm::public_key_line(key)},
                              {"comment", core::printable(key.comment)},
                              {"name", name},
                              {"trusted", trusted}});
  }
  int secret_key() {
    const fm::SecretKeyFile file = fm::decode_secret_key(text());
    const bool encrypted = file.derivation == fm::SecretKeyFile::Derivation::kScrypt;
    return say("secret key, which nobody else should have",
               {{"comment", core::printable(file.comment)}, {"encrypted", encrypted}, {"memory", file.memory}});
  }
  int catalog_file() {
    catalog::Catalog catalog = catalog::Catalog::open(io::posix(), path_, catalog::Catalog::Access::kRead,
                                                      session_.world(), "darkshelf inspect");
    const auto problems = catalog.verify();
    say("catalog", {{"writer", catalog.writer().text()},
                    {"drives", catalog.drives().size()},
                    {"shoots", catalog.shoots().size()},
                    {"volumes", catalog.volumes().size()},
                    {"sound", problems.empty()}});
    return problems.empty() ? kGood : kDamageBeyondRepair;
  }

  Session& session_;
  io::Path path_;
  std::string name_;
};

}  // namespace

void add_inspect(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("inspect", "Tell what a file is that lies on an archive drive")->group(kUpkeep);
  auto file = std::make_shared<std::string>();
  cmd->add_option("FILE", *file, "Any file below darkshelf/, a catalog, or a PAR2 file")->required();
  cmd->callback([&session, file] { session.action = [&session, file] { return Inspection(session, *file).run(); }; });
}

}  // namespace darkshelf::cli
