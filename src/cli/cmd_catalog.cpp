#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/signed.hpp"
#include "core/text.hpp"
#include "rituals/upkeep.hpp"
#include "shelf/policy.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;

namespace {

int recover(Session& session, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) rituals::require_archive(io::posix(), path);  // no catalog is made for nothing
  session.catalog_or_new();
  rituals::Context context = session.context();
  const rituals::RecoverReport report = rituals::recover_catalog(context, {paths.begin(), paths.end()});
  bool problems = false, incomplete = false, contradicts = false;
  for (const auto& drive : report.drives) {
    std::string text = drive.catalog_as_of.empty() ? "no sound catalog copy"
                                                   : fmt::format("its catalog copy of {}", drive.catalog_as_of);
    if (drive.volumes_read > 0)
      text += fmt::format(", and {} read from their own lists", core::count_of(drive.volumes_read, "volume"));
    session.out().line(fmt::format("{}: {}.", core::printable(drive.label), text));
    for (const std::string& problem : drive.problems)
      session.out().error(fmt::format("{}: {}", core::printable(drive.label), problem));
    tell_tally(session.out(), drive.signatures, drive.root);
    contradicts |= drive.contradicts;
    incomplete |= drive.incomplete;
    problems |= !drive.problems.empty();
    Json object = {{"label", core::printable(drive.label)},
                   {"catalog_as_of", drive.catalog_as_of},
                   {"volumes_read", drive.volumes_read},
                   {"signatures", tally_json(drive.signatures)},
                   {"problems", drive.problems}};
    put_path(object, "path", drive.root.string());
    session.out().object("recovered_drive", std::move(object));
  }
  session.out().line(fmt::format("The catalog knows {}, {} and {} now.", core::count_of(report.drives_known, "drive"),
                                 core::count_of(report.shoots_known, "shoot"),
                                 core::count_of(report.volumes_known, "volume")));
  contradicts |= tell_chains(session.out(), report.chains);
  if (problems) session.out().note("Plug in the other drives too, one after the other: each may know more.");
  session.out().object("recovered", {{"drives", report.drives_known},
                                     {"shoots", report.shoots_known},
                                     {"volumes", report.volumes_known},
                                     {"thumbnails", report.thumbnails}});
  return worse(incomplete ? kFailed : kGood, contradicts ? kDamageBeyondRepair : kGood);
}

int verify(Session& session) {
  catalog::Catalog& catalog = session.catalog(Access::kRead);
  const std::vector<std::string> problems = catalog.verify();
  for (const std::string& problem : problems) session.out().line(problem);
  const bool contradicts = problems.empty() && tell_chains(session.out(), shelf::check_chains(catalog));
  if (problems.empty() && !contradicts) session.out().line("The catalog is sound.");
  session.out().object("catalog_verified", {{"sound", problems.empty() && !contradicts}, {"problems", problems}});
  return problems.empty() && !contradicts ? kGood : kDamageBeyondRepair;
}

int merge(Session& session, const std::string& file) {
  const catalog::Catalog::Merged merged = session.catalog(Access::kWrite).merge(file);
  session.out().line(fmt::format("New here: {}, {} with {}.", core::count_of(merged.facts, "fact"),
                                 core::count_of(merged.volumes, "volume"),
                                 core::count_of(merged.files, "entry", "entries")));
  session.out().object("catalog_merged",
                       {{"facts", merged.facts}, {"volumes", merged.volumes}, {"files", merged.files}});
  return kGood;
}

int init(Session& session, const std::map<std::string, std::string>& policy) {
  shelf::check_policy(policy);
  catalog::Catalog& catalog = session.new_catalog();
  if (!policy.empty()) catalog.record_policy(policy);
  session.out().line(fmt::format("A new catalog: {}", core::printable(session.catalog_path().string())));
  session.out().note("Next: darkshelf drive add PATH --label LABEL");
  Json object;
  put_path(object, "path", session.catalog_path().string());
  session.out().object("catalog_made", std::move(object));
  return kGood;
}

}  // namespace

void add_init(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("init", "Make the catalog of this machine")->group(kUpkeep);
  struct Options {
    std::string owner, phone;
  };
  auto options = std::make_shared<Options>();
  cmd->add_option("--owner", options->owner, "Your name, for START-HERE.txt on every drive")->type_name("NAME");
  cmd->add_option("--phone", options->phone, "Your telephone, for the same")->type_name("NUMBER");
  cmd->callback([&session, options] {
    session.action = [&session, options] {
      std::map<std::string, std::string> policy;
      if (!options->owner.empty()) policy["owner"] = options->owner;
      if (!options->phone.empty()) policy["phone"] = options->phone;
      return init(session, policy);
    };
  });
}

void add_catalog(CLI::App& app, Session& session) {
  CLI::App* catalog = app.add_subcommand("catalog", "Recover, verify or merge the catalog")->group(kUpkeep);
  catalog->require_subcommand(1);
  CLI::App* cmd = catalog->add_subcommand("recover", "Learn everything that plugged-in drives know");
  auto paths = std::make_shared<std::vector<std::string>>();
  cmd->add_option("PATH", *paths, "Folders where archive drives are mounted")->required();
  cmd->callback([&session, paths] { session.action = [&session, paths] { return recover(session, *paths); }; });
  catalog->add_subcommand("verify", "Check the catalog file")->callback([&session] {
    session.action = [&session] { return verify(session); };
  });
  cmd = catalog->add_subcommand("merge", "Take in what another catalog knows");
  auto file = std::make_shared<std::string>();
  cmd->add_option("FILE", *file, "The other catalog")->required();
  cmd->callback([&session, file] { session.action = [&session, file] { return merge(session, *file); }; });
}

}  // namespace darkshelf::cli
