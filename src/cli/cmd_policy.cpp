#include <fmt/format.h>

#include "cli/commands.hpp"
#include "core/text.hpp"
#include "shelf/policy.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;
using core::Code;
using core::Error;

namespace {

int show(Session& session, Access access) {
  Json fields = Json::object();
  for (const auto& [key, value] : shelf::to_text(shelf::policy_from(session.catalog(access).policy()))) {
    session.out().item(fmt::format("{}={}", key, core::shell_quote(value)));
    fields[key] = value;
  }
  session.out().object("policy", std::move(fields));
  return kGood;
}

int set(Session& session, const std::vector<std::string>& settings) {
  auto& catalog = session.catalog(Access::kWrite);
  std::map<std::string, std::string> changes;
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos)
      throw Error(Code::kUsage, fmt::format("\"{}\" is not KEY=VALUE", core::printable(setting)),
                  "darkshelf policy show");
    changes[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  shelf::check_policy(changes);
  catalog.record_policy(changes);
  return show(session, Access::kWrite);
}

}  // namespace

void add_policy(CLI::App& app, Session& session) {
  CLI::App* policy = app.add_subcommand("policy", "How many copies, where, and how often checked")->group(kSafe);
  policy->require_subcommand(1);
  policy->add_subcommand("show", "What is in force")->callback([&session] {
    session.action = [&session] { return show(session, Access::kRead); };
  });
  CLI::App* cmd = policy->add_subcommand("set", "Change it");
  auto settings = std::make_shared<std::vector<std::string>>();
  cmd->add_option("KEY=VALUE", *settings,
                  "copies=3 places=2 offsite=1 kinds=1 scrub-every=12mo grace=3mo layout=tar owner=NAME phone=NUMBER")
      ->required();
  cmd->callback([&session, settings] { session.action = [&session, settings] { return set(session, *settings); }; });
}

}  // namespace darkshelf::cli
