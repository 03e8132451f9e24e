#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/passphrase.hpp"
#include "cli/signed.hpp"
#include "core/text.hpp"
#include "rituals/copy.hpp"
#include "rituals/sign_copies.hpp"
#include "shelf/policy.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;
using core::Code;
using core::Error;
namespace fm = formats::minisig;

namespace {

Json key_json(const fm::PublicKey& key) {
  return {{"id", fm::text_of(key.id)}, {"public_key", fm::public_key_line(key)}};
}

/// Whose key it is, unless told: the owner of the archive.
std::string name_for(Session& session, const std::string& told) {
  if (!told.empty()) return told;
  const std::string owner = shelf::policy_from(session.catalog(Access::kWrite).policy()).owner;
  return owner.empty() ? session.world().host() : owner;
}

int create(Session& session, const std::string& name, const std::string& passphrase_file, bool no_passphrase) {
  rituals::Context context = session.context();
  rituals::begun_key(context);  // before a passphrase is asked for in vain
  std::optional<sign::Secret> passphrase;
  if (!no_passphrase) passphrase = new_passphrase(passphrase_file);
  const std::string whose = name_for(session, name);
  const fm::PublicKey key = rituals::create_key(context, whose, passphrase ? &*passphrase : nullptr);
  session.give_to_caller();
  const io::Path path = rituals::secret_key_path(context.catalog.path());
  Output& out = session.out();
  out.line(fmt::format("A signing key for {}: {}", core::printable(whose), fm::text_of(key.id)));
  out.item("    " + core::printable(path.string()));
  out.line(
      "What is sealed from now on is signed with it. Keep a copy of the file elsewhere, and its id and public key on "
      "paper: darkshelf key show");
  if (no_passphrase) out.note("It has no passphrase: whoever gets the file can sign with it.");
  Json object = key_json(key);
  object["name"] = core::printable(whose);
  object["encrypted"] = !no_passphrase;
  put_path(object, "path", path.string());
  out.object("key_made", std::move(object));
  return kGood;
}

void show_own(Session& session, const std::optional<fm::PublicKey>& own) {
  Output& out = session.out();
  const io::Path catalog = session.catalog_path();
  const auto file = rituals::read_key_file(io::posix(), catalog);
  if (!file) return out.line("There is no signing key on this machine: darkshelf key create");
  const std::string path = core::printable(file->path.string());
  if (own) {
    out.line(out.paint(Color::kBold, "The signing key of this machine: " + fm::text_of(own->id)));
    out.item("    " + fm::public_key_line(*own));
  } else {
    out.line("The signing key of this machine; its public half is missing, and comes back when it is next opened.");
  }
  out.line(fmt::format("    {}  {}", path, file->wants_passphrase ? "(with a passphrase)" : "(without a passphrase)"));
  if (own) out.item("    " + core::printable(rituals::public_key_path(catalog).string()));
  if (file->readable_by_others)
    out.error(fmt::format("Warning: others can read it. Type: chmod 600 {}", core::shell_quote(file->path.string())));
  Json object = own ? key_json(*own) : Json{{"id", ""}, {"public_key", ""}};
  object["comment"] = core::printable(file->file.comment);
  object["encrypted"] = file->wants_passphrase;
  object["readable_by_others"] = file->readable_by_others;
  put_path(object, "path", file->path.string());
  out.object("signing_key", std::move(object));
}

int show(Session& session) {
  Output& out = session.out();
  const auto own = rituals::own_public_key(io::posix(), session.catalog_path());
  const auto keys = session.catalog(Access::kRead).keys();
  show_own(session, own);
  Table table({"KEY", "NAME", "TRUSTED"});
  for (const catalog::KnownKey& known : keys) {
    const bool is_own = own && own->id == known.key.id && own->key == known.key.key;
    table.row({fm::text_of(known.key.id), core::printable(known.name),
               !known.trusted ? (known.told_here ? "no longer" : "no: another catalog says so")
                              : fmt::format("since {}{}", core::format_date_for_people(known.since),
                                            is_own ? ", this machine's" : "")});
    Json object = key_json(known.key);
    object["name"] = core::printable(known.name);
    object["trusted"] = known.trusted;
    object["own"] = is_own;
    object["since"] = core::format_time(known.since);
    out.object("known_key", std::move(object));
  }
  if (!table.empty()) table.print(out);
  return kGood;
}

int trust(Session& session, const std::string& what, const std::string& name, bool withdraw) {
  rituals::Context context = session.context();
  Output& out = session.out();
  catalog::KnownKey key;
  if (withdraw) {
    key = rituals::distrust_key(context, what);
    out.line(fmt::format("Key {} ({}) is trusted no longer: what it signed counts as signed by an unknown key.",
                         fm::text_of(key.key.id), core::printable(key.name)));
  } else {
    const rituals::Trusted trusted = rituals::trust_key(context, rituals::public_key_from(context.fs, what), name);
    key = trusted.key;
    out.line(fmt::format("Key {} {} {}'s.", fm::text_of(key.key.id),
                         trusted.is_new ? "is trusted from now on as" : "is trusted already as",
                         core::printable(key.name)));
  }
  Json object = key_json(key.key);
  object["name"] = core::printable(key.name);
  object["trusted"] = key.trusted;
  out.object("key_trusted", std::move(object));
  return kGood;
}

std::string_view name_of(rituals::SignReport::Outcome outcome) {
  switch (outcome) {
    case rituals::SignReport::Outcome::kSigned:
      return "signed";
    case rituals::SignReport::Outcome::kAlready:
      return "already";
    case rituals::SignReport::Outcome::kRefused:
      return "refused";
  }
  return "";
}

int sign_what(Session& session, const std::vector<std::string>& what, const std::string& passphrase_file) {
  rituals::Context context = session.context();
  for (const std::string& text : what) rituals::volumes_named(context, text);  // before anybody is asked for anything
  std::string why_not;
  const auto key = opened_key(session, context, passphrase_file, why_not);
  if (!key) throw Error(Code::kFailed, "nothing can be signed", why_not);
  const rituals::SignReport report = rituals::sign_copies(context, what, *key);
  Output& out = session.out();
  int code = kGood;
  std::size_t made = 0, already = 0;
  for (const rituals::SignReport::Copy& copy : report.copies) {
    const std::string label = core::printable(copy.drive);
    made += copy.outcome == rituals::SignReport::Outcome::kSigned ? 1 : 0;
    already += copy.outcome == rituals::SignReport::Outcome::kAlready ? 1 : 0;
    if (copy.outcome == rituals::SignReport::Outcome::kRefused) {
      code = worse(code, copy.contradicts ? kDamageBeyondRepair : kFailed);
      out.error(fmt::format("{} on {} is not signed: {}", copy.volume.folder, label, core::printable(copy.why)));
      if (copy.contradicts) out.error(fmt::format("    → darkshelf scrub {}", core::shell_quote(copy.drive)));
    } else {
      out.line(fmt::format("{} on {}: {}", copy.volume.folder, label, rituals::sentence_of(copy.view)));
    }
    out.object("signed_copy", {{"volume", copy.volume.info.volume.text()},
                               {"folder", copy.volume.folder},
                               {"drive", copy.drive},
                               {"outcome", name_of(copy.outcome)},
                               {"key", copy.view.key},
                               {"message", core::printable(copy.why)}});
  }
  for (const std::string& sentence : report.not_refreshed) {
    code = worse(code, kFailed);
    out.error(core::printable(sentence));
  }
  std::set<std::string> absent;
  for (const auto& [volume, label] : report.absent) absent.insert(core::printable(label));
  if (!absent.empty())
    out.line(fmt::format("{} on drives that are not plugged in ({}): the same command again, when they are.",
                         core::count_of(report.absent.size(), "copy is", "copies are"), fmt::join(absent, ", ")));
  if (report.copies.empty() && report.absent.empty()) out.line("There are no copies of that to sign.");
  out.object("sign_report", {{"signed", made},
                             {"already", already},
                             {"refused", report.copies.size() - made - already},
                             {"absent", report.absent.size()}});
  return code;
}

}  // namespace

void add_key(CLI::App& app, Session& session) {
  CLI::App* key = app.add_subcommand("key", "Sign what is sealed, and know whose signature it is")->group(kUpkeep);
  key->require_subcommand(1);
  struct Options {
    std::string name, passphrase_file, key;
    bool no_passphrase = false, withdraw = false;
    std::vector<std::string> what;
  };
  auto o = std::make_shared<Options>();
  CLI::App* cmd = key->add_subcommand("create", "Make the signing key of this machine");
  cmd->add_option("--name", o->name, "Whose it is (the owner of the archive if left out)")->type_name("NAME");
  CLI::Option* none = cmd->add_flag("--no-passphrase", o->no_passphrase, "Whoever gets the file can then sign with it");
  add_passphrase_file(cmd, o->passphrase_file)->excludes(none);
  cmd->callback([&session, o] {
    session.action = [&session, o] { return create(session, o->name, o->passphrase_file, o->no_passphrase); };
  });
  key->add_subcommand("show", "The key of this machine, and the ones that are trusted")->callback([&session] {
    session.action = [&session] { return show(session); };
  });
  cmd = key->add_subcommand("trust", "Believe what is signed with a key");
  cmd->add_option("KEY", o->key, "A .pub file, or its second line; with --withdraw, an id")->required();
  cmd->add_option("--name", o->name, "Whose it is")->type_name("NAME");
  cmd->add_flag("--withdraw", o->withdraw, "Believe it no longer: it was lost or stolen");
  cmd->callback(
      [&session, o] { session.action = [&session, o] { return trust(session, o->key, o->name, o->withdraw); }; });
  cmd = key->add_subcommand("sign", "Sign copies that were sealed without a signature");
  cmd->add_option("WHAT", o->what, "Volumes, shoots or drives")->required();
  add_passphrase_file(cmd, o->passphrase_file);
  cmd->callback(
      [&session, o] { session.action = [&session, o] { return sign_what(session, o->what, o->passphrase_file); }; });
}

}  // namespace darkshelf::cli
