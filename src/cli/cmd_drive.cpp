#include <fmt/format.h>

#include "cli/adopted.hpp"
#include "cli/commands.hpp"
#include "core/text.hpp"
#include "rituals/drives.hpp"
#include "rituals/wear.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;
using core::Code;
using core::Error;

namespace {

Json drive_json(const catalog::Drive& drive) {
  return {{"id", drive.id.text()},
          {"label", drive.label},
          {"kind", drive.kind},
          {"place", drive.place_name},
          {"offsite", drive.offsite},
          {"state", catalog::name_of(drive.state)},
          {"lent_to", drive.lent_to},
          {"here", drive.here},
          {"volumes", drive.volumes},
          {"bytes", drive.bytes},
          {"note", drive.note},
          {"catalog", drive.catalog_mode},
          {"added", core::format_time(drive.added)},
          {"last_seen", core::format_time(drive.last_seen)},
          {"model", drive.evidence.model},
          {"serial", drive.evidence.serial},
          {"file_system", drive.evidence.fs_type},
          {"capacity", drive.evidence.bytes}};
}

int list_drives(Session& session) {
  Table table({"DRIVE", "KIND", "PLACE", "VOLUMES", "SIZE", "WHERE NOW"});
  for (const catalog::Drive& drive : session.catalog(Access::kRead).drives()) {
    session.out().object("drive", drive_json(drive));
    table.row({core::printable(drive.label), drive.kind, core::printable(drive.place_name),
               core::with_commas(drive.volumes), core::format_size(drive.bytes), session.whereabouts(drive)});
  }
  if (table.empty()) {
    session.out().note("no drives yet: darkshelf drive add PATH --label LABEL");
  } else {
    table.print(session.out());
  }
  return kGood;
}

struct AddOptions {
  rituals::AddDriveRequest request;
  std::string path;
};

int add(Session& session, const AddOptions& options) {
  session.catalog_or_new();
  rituals::Context context = session.context();
  rituals::AddDriveRequest request = options.request;
  request.path = options.path;
  const rituals::AddedDrive added = rituals::add_drive(context, request);
  session.out().line(fmt::format("{} is an archive drive now: {}, {}, {} free for photos.", added.drive.label,
                                 added.drive.kind, added.medium.fs_type,
                                 core::format_size(io::posix().space(options.path).free)));
  if (!added.medium.model.empty()) session.out().detail(fmt::format("{} {}", added.medium.model, added.medium.serial));
  for (const std::string& warning : added.warnings) session.out().note("Mind: " + core::printable(warning));
  Json object = drive_json(added.drive);
  object["warnings"] = added.warnings;
  session.out().object("drive_added", std::move(object));
  return kGood;
}

int say(Session& session, const std::string& event, const catalog::Drive& drive, const std::string& text) {
  session.out().line(text);
  session.out().object(event, drive_json(*session.catalog(Access::kWrite).drive(drive.id)));
  return kGood;
}

/// What of it was adopted, beside all that is known to lie elsewhere.
int show_all(Session& session, const catalog::Drive& drive) {
  const int code = show_drive(session, drive);
  const auto standing = session.catalog(Access::kRead).standing(drive.id);
  if (!standing.empty()) tell_standing(session, drive, standing);
  return code;
}

/// One that is plugged in is asked how its disk is.
int show(Session& session, const catalog::Drive& drive) {
  if (!session.plugged_in().contains(drive.id)) return show_all(session, drive);
  rituals::Context context = session.context();
  try {
    const rituals::AttachedDrive attached = rituals::attach(context, drive.id.text(), rituals::Visit::kReadOnly);
    rituals::look_at_wear(context, attached);
    return show_all(session, attached.drive);
  } catch (const Error& error) {  // it is told what the catalog knows, and why no more
    if (error.code() != Code::kWrongDrive && error.code() != Code::kDriveGone) throw;
    const int code = show_all(session, drive);
    return worse(code, tell_error(session.out(), error));
  }
}

int rename(Session& session, const std::string& which, const std::string& label) {
  const catalog::Drive drive = known_drive(session, which);
  for (const catalog::Drive& other : session.catalog(Access::kWrite).drives()) {
    if (other.label == label && other.id != drive.id)
      throw Error(Code::kUsage, fmt::format("a drive is called \"{}\" already", core::printable(label)),
                  "darkshelf drive list");
  }
  if (!formats::drive::is_label(label))
    throw Error(Code::kUsage, "a label has 1 to 60 characters, no slash, no comma, no leading dash, and is not . or ..",
                "a label is what is written on the drive, such as 2026-A");
  session.catalog(Access::kWrite).record_drive_renamed(drive.id, label);
  return say(
      session, "drive_renamed", drive,
      fmt::format("{} is called {} from now on; the drive itself learns it at its next visit.", drive.label, label));
}

int move(Session& session, const std::string& which, const std::string& place_name) {
  const catalog::Drive drive = known_drive(session, which);
  const auto place = session.catalog(Access::kWrite).find_place(place_name);
  if (!place) {
    throw Error(Code::kUsage, fmt::format("no place is called \"{}\"", core::printable(place_name)),
                fmt::format("darkshelf place add {}", core::shell_quote(place_name)));
  }
  session.catalog(Access::kWrite).record_drive_moved(drive.id, place->id);
  return say(session, "drive_moved", drive,
             fmt::format("{} is kept at {}{}.", drive.label, place->name, place->offsite ? " (off-site)" : ""));
}

}  // namespace

void add_drive(CLI::App& app, Session& session) {
  CLI::App* drive =
      app.add_subcommand("drive", "Archive drives: add, list, move, lend, eject and more")->group(kYearly);
  drive->require_subcommand(1);

  CLI::App* cmd = drive->add_subcommand("add", "Make a plugged-in medium an archive drive");
  auto options = std::make_shared<AddOptions>();
  cmd->add_option("PATH", options->path, "Folder where it is mounted")->required();
  cmd->add_option("--label", options->request.label, "What is written on it, such as 2026-A")
      ->required()
      ->type_name("LABEL");
  cmd->add_option("--place", options->request.place, "Where it is going to be kept")->type_name("PLACE");
  cmd->add_option("--kind", options->request.kind, "hdd, ssd, flash or nas (told by the medium if left out)")
      ->type_name("KIND")
      ->check(one_of({"hdd", "ssd", "flash", "nas"}));
  cmd->add_option("--note", options->request.note, "Anything worth remembering")->type_name("TEXT");
  cmd->add_option("--clone-of", options->request.clone_of, "The drive whose medium this was")->type_name("DRIVE");
  cmd->add_flag("--new", options->request.is_new,
                "Not formatted: another disk whose case tells the same serial, or one that is new on purpose");
  cmd->add_option("--catalog", options->request.catalog_mode, "What of the catalog it carries: full, own or none")
      ->capture_default_str()
      ->type_name("WHAT")
      ->check(one_of({"full", "own", "none"}));
  cmd->callback([&session, options] { session.action = [&session, options] { return add(session, *options); }; });

  drive->add_subcommand("list", "All drives, plugged in or not")->callback([&session] {
    session.action = [&session] { return list_drives(session); };
  });

  struct Two {
    std::string drive, other;
  };
  const auto with_drive = [&](const char* name, const char* help) {
    CLI::App* sub = drive->add_subcommand(name, help);
    auto two = std::make_shared<Two>();
    sub->add_option("DRIVE", two->drive, "Label, id, or where it is mounted")->required();
    return std::pair(sub, two);
  };
  {
    auto [sub, two] = with_drive("show", "All about one drive");
    sub->callback([&session, two = two] {
      session.action = [&session, two] { return show(session, known_drive(session, two->drive)); };
    });
  }
  {
    auto [sub, two] = with_drive("rename", "Give it another label");
    sub->add_option("NEW", two->other, "The new label")->required();
    sub->callback([&session, two = two] {
      session.action = [&session, two] { return rename(session, two->drive, two->other); };
    });
  }
  {
    auto [sub, two] = with_drive("move", "Tell where it is kept");
    sub->add_option("--place", two->other, "The place")->required()->type_name("PLACE");
    sub->callback(
        [&session, two = two] { session.action = [&session, two] { return move(session, two->drive, two->other); }; });
  }
  {
    auto [sub, two] = with_drive("lend", "Tell who has it; it does not count until it is back");
    sub->add_option("--to", two->other, "Who")->required()->type_name("WHO");
    sub->callback([&session, two = two] {
      session.action = [&session, two] {
        if (two->other.empty()) {  // nobody has it: that would be a drive that is not lent
          throw Error(Code::kUsage, "it is lent to somebody with a name",
                      fmt::format("darkshelf drive lend {} --to WHO", core::shell_quote(two->drive)));
        }
        const catalog::Drive one = known_drive(session, two->drive);
        session.catalog(Access::kWrite).record_drive_lent(one.id, two->other);
        return say(session, "drive_lent", one,
                   fmt::format("{} is lent to {}.", one.label, core::printable(two->other)));
      };
    });
  }
  {
    auto [sub, two] = with_drive("return", "It is back on the shelf: unplugged, and no longer lent");
    sub->callback([&session, two = two] {
      session.action = [&session, two] {
        const catalog::Drive one = known_drive(session, two->drive);
        session.catalog(Access::kWrite).record_drive_returned(one.id);
        if (session.plugged_in().contains(one.id))
          session.out().note(fmt::format("{} is plugged in: until it is not, it counts as being here.", one.label));
        return say(session, "drive_returned", one,
                   fmt::format("{} is back{}.", one.label,
                               one.place_name.empty() ? " on the shelf" : " at " + one.place_name));
      };
    });
  }
  {
    auto [sub, two] = with_drive("mark", "Mark it lost, failed, retired, destroyed or found");
    sub->add_option("STATE", two->other, "lost, failed, retired, destroyed or found")
        ->required()
        ->check(one_of({"lost", "failed", "retired", "destroyed", "found"}));
    sub->callback([&session, two = two] {
      session.action = [&session, two] {
        const catalog::Drive one = known_drive(session, two->drive);
        session.catalog(Access::kWrite).record_drive_marked(one.id, two->other);
        return say(session, "drive_marked", one, fmt::format("{} is marked {}.", one.label, two->other));
      };
    });
  }
  {
    CLI::App* sub = drive->add_subcommand("accept", "Confirm a drive that does not look like itself any more");
    struct Accept {
      std::string path, as, label;
    };
    auto accept = std::make_shared<Accept>();
    sub->add_option("PATH", accept->path, "Folder where it is mounted")->required();
    sub->add_option("--as", accept->as, "moved (the same drive on another medium) or copy (a copy of it)")
        ->required()
        ->type_name("HOW")
        ->check(one_of({"moved", "copy"}));
    sub->add_option("--label", accept->label, "Label of the copy")->type_name("LABEL");
    sub->callback([&session, accept] {
      session.action = [&session, accept] {
        rituals::Context context = session.context();
        const catalog::Drive one = rituals::accept_drive(context, accept->path, accept->as, accept->label);
        return say(session, "drive_accepted", one,
                   fmt::format("{} is accepted.{}", one.label,
                               accept->as == "copy" ? " Its copies count after their first check." : ""));
      };
    });
  }
  {
    auto [sub, two] = with_drive("eject", "Sync, unmount, and put it on the shelf");
    sub->callback([&session, two = two] {
      session.action = [&session, two] {
        const catalog::Drive one = known_drive(session, two->drive);
        rituals::Context context = session.context();
        const bool unmounted = rituals::eject_drive(context, two->drive) == rituals::Ejected::kUnmounted;
        if (one.offsite) {
          session.out().note(fmt::format("When it is back at {}: darkshelf drive return {}",
                                         core::printable(one.place_name), core::shell_quote(one.label)));
        }
        return say(
            session, "drive_ejected", one,
            unmounted
                ? fmt::format("{} is safe to unplug.", one.label)
                : fmt::format("Everything on {} is synced. It is a folder on a larger disk, so nothing was unmounted.",
                              one.label));
      };
    });
  }
}

void add_place(CLI::App& app, Session& session) {
  CLI::App* place = app.add_subcommand("place", "Places where drives are kept")->group(kYearly);
  place->require_subcommand(1);
  struct Options {
    std::string name, other, note;
    bool offsite = false;
  };
  auto options = std::make_shared<Options>();
  const auto place_json = [](const catalog::Place& one) {
    return Json{{"id", one.id.text()}, {"name", one.name}, {"offsite", one.offsite}, {"note", one.note}};
  };

  CLI::App* cmd = place->add_subcommand("add", "A new place");
  cmd->add_option("NAME", options->name, "Such as \"home/shelf 2\"")->required();
  cmd->add_flag("--offsite", options->offsite, "Away from where you work");
  cmd->add_option("--note", options->note, "Anything worth remembering")->type_name("TEXT");
  cmd->callback([&session, options, place_json] {
    session.action = [&session, options, place_json] {
      auto& catalog = session.catalog(Access::kWrite);
      if (options->name.empty() || core::printable(options->name) != options->name || options->name.size() > 100) {
        throw Error(Code::kUsage, "a place needs a name of up to 100 characters on one line",
                    "darkshelf place add \"home/shelf 2\"");
      }
      if (catalog.find_place(options->name))
        throw Error(Code::kUsage, fmt::format("there is a place called \"{}\" already", options->name),
                    "darkshelf place list");
      const catalog::Place one = catalog.record_place(options->name, options->offsite, options->note);
      session.out().line(fmt::format("Place {}{}.", one.name, one.offsite ? ", off-site" : ""));
      session.out().object("place_added", place_json(one));
      return static_cast<int>(kGood);
    };
  });

  cmd = place->add_subcommand("rename", "Give a place another name");
  cmd->add_option("NAME", options->name, "As it is called now")->required();
  cmd->add_option("NEW", options->other, "As it is called from now on")->required();
  cmd->callback([&session, options, place_json] {
    session.action = [&session, options, place_json] {
      auto& catalog = session.catalog(Access::kWrite);
      auto one = catalog.find_place(options->name);
      if (!one)
        throw Error(Code::kNotFound, fmt::format("no place is called \"{}\"", core::printable(options->name)),
                    "darkshelf place list");
      if (options->other.empty() || core::printable(options->other) != options->other)
        throw Error(Code::kUsage, "a place needs a name on one line", "darkshelf place list");
      if (const auto other = catalog.find_place(options->other); other && other->id != one->id) {
        throw Error(Code::kUsage, fmt::format("there is a place called \"{}\" already", options->other),
                    "darkshelf place list");
      }
      catalog.record_place_renamed(one->id, options->other);
      one->name = options->other;
      session.out().line(fmt::format("{} is called {} from now on.", core::printable(options->name), one->name));
      session.out().object("place_renamed", place_json(*one));
      return static_cast<int>(kGood);
    };
  });

  place->add_subcommand("list", "All places")->callback([&session, place_json] {
    session.action = [&session, place_json] {
      Table table({"PLACE", "", "DRIVES", "NOTE"});
      auto& catalog = session.catalog(Access::kRead);
      const auto drives = catalog.drives();
      for (const catalog::Place& one : catalog.places()) {
        const auto count = std::count_if(drives.begin(), drives.end(),
                                         [&](const catalog::Drive& drive) { return drive.place == one.id; });
        session.out().object("place", place_json(one));
        table.row({one.name, one.offsite ? "off-site" : "", std::to_string(count), core::printable(one.note)});
      }
      if (table.empty())
        session.out().note("no places yet: darkshelf place add NAME");
      else
        table.print(session.out());
      return static_cast<int>(kGood);
    };
  });
}

}  // namespace darkshelf::cli
