#include <fmt/format.h>

#include "cli/commands.hpp"
#include "core/text.hpp"
#include "rituals/upkeep.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;
using core::Code;
using core::Error;

namespace {

int discard(Session& session, const rituals::DiscardRequest& request) {
  rituals::Context context = session.context();
  const rituals::DiscardReport report = rituals::discard(context, request);
  Output& out = session.out();
  out.line(fmt::format("{} is discarded{}: {} removed from {}.", core::printable(report.shoot.name),
                       request.from.empty() ? "" : " there", core::format_size(report.bytes),
                       report.removed_from.empty() ? "no drive that is plugged in"
                                                   : fmt::format("{}", fmt::join(report.removed_from, ", "))));
  if (!report.read_only.empty())
    out.note(fmt::format(
        "Read-only, so nothing was removed there: {}. Mount it for writing, and type the same command again "
        "with --from.",
        fmt::join(report.read_only, ", ")));
  if (!report.failing.empty())
    out.note(
        fmt::format("Their media are failing, so nothing was removed there: {}.", fmt::join(report.failing, ", ")));
  if (!report.later.empty())
    out.note(fmt::format(
        "Not reached, so still there: {}. Type the same command again with --from when they are plugged in.",
        fmt::join(report.later, ", ")));
  for (const std::string& why : report.not_refreshed) out.error(core::printable(why));
  out.object("discarded", {{"shoot", report.shoot.id.text()},
                           {"name", core::printable(report.shoot.name)},
                           {"removed_from", report.removed_from},
                           {"later", report.later},
                           {"read_only", report.read_only},
                           {"failing", report.failing},
                           {"bytes", report.bytes}});
  return kGood;
}

}  // namespace

void add_shoot(CLI::App& app, Session& session) {
  CLI::App* shoot =
      app.add_subcommand("shoot", "Rename a shoot, give it a note, say how many copies to keep")->group(kWhich);
  shoot->require_subcommand(1);
  struct Options {
    std::string shoot, text;
    unsigned copies = 0;
  };
  auto o = std::make_shared<Options>();
  const auto changed = [&session](const catalog::Shoot& one, const std::string& event, const std::string& text) {
    session.out().line(text);
    session.out().object(event, {{"id", one.id.text()}, {"folder", core::printable(one.folder)}});
    return static_cast<int>(kGood);
  };

  CLI::App* cmd = shoot->add_subcommand("rename", "Call it something else (on drives it keeps its name)");
  cmd->add_option("SHOOT", o->shoot, "Its name, or date and name")->required();
  cmd->add_option("NEW", o->text, "The new name")->required();
  cmd->callback([&session, o, changed] {
    session.action = [&session, o, changed] {
      if (o->text.empty() || core::printable(o->text) != o->text || o->text.size() > 200)
        throw Error(Code::kUsage, "a shoot needs a name of up to 200 characters on one line",
                    "darkshelf shoot rename SHOOT \"Smith wedding\"");
      const catalog::Shoot one = one_shoot(session.catalog(Access::kWrite), o->shoot);
      session.catalog(Access::kWrite).record_shoot_renamed(one.id, o->text);
      return changed(one, "shoot_renamed",
                     fmt::format("{} is called {} from now on.", core::printable(one.name), o->text));
    };
  });
  cmd = shoot->add_subcommand("note", "Words to find it by");
  cmd->add_option("SHOOT", o->shoot, "Its name, or date and name")->required();
  cmd->add_option("TEXT", o->text, "The note; it replaces the one before")->required();
  cmd->callback([&session, o, changed] {
    session.action = [&session, o, changed] {
      if (o->text.size() > 10'000)
        throw Error(Code::kUsage, "a note can have up to 10,000 characters", "type a shorter one");
      const catalog::Shoot one = one_shoot(session.catalog(Access::kWrite), o->shoot);
      session.catalog(Access::kWrite).record_shoot_note(one.id, o->text);
      return changed(one, "shoot_noted", fmt::format("Noted for {}.", core::printable(one.name)));
    };
  });
  cmd = shoot->add_subcommand("keep", "How many copies this shoot shall have, whatever the policy says");
  cmd->add_option("SHOOT", o->shoot, "Its name, or date and name")->required();
  cmd->add_option("--copies", o->copies, "1 to 99")->required()->check(number_between(1, 99))->type_name("N");
  cmd->callback([&session, o, changed] {
    session.action = [&session, o, changed] {
      const catalog::Shoot one = one_shoot(session.catalog(Access::kWrite), o->shoot);
      session.catalog(Access::kWrite).record_shoot_keep(one.id, o->copies);
      return changed(
          one, "shoot_kept",
          fmt::format("{}: {} from now on.", core::printable(one.name), core::count_of(o->copies, "copy", "copies")));
    };
  });
}

void add_discard(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("discard", "Remove a shoot from drives for good")->group(kUpkeep);
  auto request = std::make_shared<rituals::DiscardRequest>();
  cmd->add_option("SHOOT", request->shoot, "Its name, or date and name")->required();
  cmd->add_option("--from", request->from, "Only from this drive")->type_name("DRIVE");
  cmd->add_option("--reason", request->reason, "Why; it is kept")->required()->type_name("TEXT");
  cmd->add_option("--confirm", request->confirmed_name, "The shoot's name, when its last good copy goes")
      ->type_name("NAME");
  cmd->callback([&session, request] { session.action = [&session, request] { return discard(session, *request); }; });
}

}  // namespace darkshelf::cli
