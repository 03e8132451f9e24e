#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "core/text.hpp"
#include "formats/drive/drive_files.hpp"
#include "rituals/rescue.hpp"

namespace darkshelf::cli {

namespace {

using rituals::RescuedVolume;
using rituals::RescueReport;
using rituals::RescueState;
using rituals::SealCompared;

struct Options {
  std::string source, to, memory = "2GiB";
  std::vector<std::string> seals;
};

std::string either(const std::vector<std::string>& labels) { return fmt::format("{}", fmt::join(labels, " or ")); }

std::string command_for(const std::string& source, const std::string& to) {
  return fmt::format("darkshelf rescue {} --to {}", core::shell_quote(source), to);
}

/// A rescue needs no catalog; one that is there is only read.
catalog::Catalog* catalog_if_any(Session& session) {
  try {
    return &session.catalog(catalog::Catalog::Access::kRead);
  } catch (const core::Error& error) {
    if (error.code() != core::Code::kNoCatalog)
      session.out().note(fmt::format("without the catalog: {}", error.what()));
    return nullptr;
  }
}

/// What is mounted last may lie in what was mounted first.
std::string free_and_rescue(const io::BlockDevice& device, bool written) {
  std::vector<std::string> points;
  for (auto part = device.mounted.rbegin(); written && part != device.mounted.rend(); ++part) {
    const std::string point = core::shell_quote(core::printable(part->mount_point.string()));
    if (std::find(points.begin(), points.end(), point) == points.end()) points.push_back(point);
  }
  const std::string rescue = fmt::format("darkshelf rescue {}", core::shell_quote(device.path.string()));
  return points.empty() ? rescue : fmt::format("umount {} && {}", fmt::join(points, " "), rescue);
}

int list_devices(Session& session, rituals::RescueContext& context) {
  Output& out = session.out();
  const auto devices = rituals::rescue_devices(context);
  for (const rituals::RescueDevice& one : devices) {
    const io::BlockDevice& device = one.device;
    std::string line = fmt::format("{}   {}", device.path.string(), core::format_size(device.bytes));
    if (!device.model.empty()) line += fmt::format(", {}", core::printable(device.model));
    if (!device.serial.empty()) line += fmt::format(", serial {}", core::printable(device.serial));
    if (!one.was.empty()) line += fmt::format(": was {}?", either(one.was));
    if (one.was.empty() && !one.like.empty()) line += fmt::format(": as large as {}", either(one.like));
    out.line(line);
    Json mounted = Json::array();
    bool written = false;
    for (const io::MountedPart& part : device.mounted) {
      mounted.push_back({{"mount_point", core::printable(part.mount_point.string())}, {"read_only", part.read_only}});
      written |= !part.read_only;
    }
    const bool system = std::any_of(device.mounted.begin(), device.mounted.end(),
                                    [](const io::MountedPart& part) { return part.mount_point == "/"; });
    const std::string command = system ? "" : free_and_rescue(device, written);
    if (system) {
      out.line("    in use by this system");
    } else if (written) {
      out.line("    in use; if it is this one: " + command);
    } else {
      out.item("    " + command);
    }
    out.object("rescue_device", {{"device", core::printable(device.path.string())},
                                 {"bytes", device.bytes},
                                 {"model", core::printable(device.model)},
                                 {"serial", core::printable(device.serial)},
                                 {"mounted", mounted},
                                 {"was", one.was},
                                 {"as_large_as", one.like},
                                 {"next", command}});
  }
  if (devices.empty()) out.line("No disks were found. An image of one can be rescued, too: darkshelf rescue IMAGE");
  return devices.empty() ? kFailed : kGood;
}

std::string seal_sentence(const RescuedVolume& volume) {
  switch (volume.seal) {
    case SealCompared::kFits:
      return "its seal fits";
    case SealCompared::kDiffers:
      return "its seal differs from the catalog's";
    case SealCompared::kNot:
      break;
  }
  return "consistent, seal not compared";
}

void tell_volume(Output& out, const RescuedVolume& volume) {
  const std::string share =
      fmt::format("{} of {} and {} found", core::with_commas(volume.found), core::count_of(volume.slices, "slice"),
                  core::count_of(volume.recovery, "recovery slice"));
  std::string line = core::printable(volume.name) + ": ";
  if (volume.state == RescueState::kRescued) {
    line += volume.there_before ? "there already" : "rescued";
    if (volume.rebuilt > 0) line += fmt::format(", {} rebuilt", core::count_of(volume.rebuilt, "slice"));
    line += "; " + seal_sentence(volume);
  } else if (volume.state == RescueState::kPayloadOnly) {
    line += fmt::format("its photos are back, its lists are lost: {}", core::printable(volume.folder.string()));
  } else if (volume.state == RescueState::kRescuable) {
    line += fmt::format("can be rescued; {}", share);
  } else if (volume.state == RescueState::kFailed) {
    line += fmt::format("cannot be written: {} ({})", core::printable(volume.failure), share);
  } else {
    line += fmt::format("cannot be rescued from here: {} ({})", core::printable(volume.failure), share);
  }
  out.line(line);
  Json object = {{"name", core::printable(volume.name)},
                 {"state", rituals::name_of(volume.state)},
                 {"bytes", volume.bytes},
                 {"slices", volume.slices},
                 {"found", volume.found},
                 {"recovery_slices", volume.recovery},
                 {"rebuilt", volume.rebuilt},
                 {"seal", volume.seal_hex},
                 {"seal_compared", volume.seal == SealCompared::kNot    ? "no"
                                   : volume.seal == SealCompared::kFits ? "fits"
                                                                        : "differs"},
                 {"folder", core::printable(volume.folder.string())},
                 {"failure", core::printable(volume.failure)}};
  if (volume.info) {
    object["volume"] = volume.info->volume.text();
    object["shoot"] = core::printable(volume.info->shoot_name);
    object["photos"] = volume.info->photos;
    object["files"] = volume.info->content_files;
  }
  out.object("rescue_volume", object);
}

/// What to type next, once volumes stand in the folder.
std::vector<std::string> next_commands(const RescueReport& report, const std::string& to) {
  std::vector<std::string> next;
  for (const RescuedVolume& volume : report.volumes) {
    const bool is_tar = volume.info && volume.info->layout == formats::volume::Layout::kTar;
    if (volume.state != RescueState::kRescued || !is_tar || volume.folder.empty()) continue;
    const io::Path tar = volume.folder / "data" / (volume.name + ".tar");
    next.push_back(fmt::format("tar -i -xf {} -C FOLDER", core::shell_quote(tar.string())));
    break;
  }
  next.push_back(fmt::format("darkshelf catalog recover {}", core::shell_quote(to)));
  next.push_back(fmt::format("darkshelf copy {} --to DRIVE", core::shell_quote(report.label)));
  return next;
}

int tell_report(Output& out, const RescueReport& report, const Options& options) {
  std::size_t rescuable = 0, rescued = 0, differing = 0, failed = 0;
  bool seal_found = options.seals.empty();
  for (const RescuedVolume& volume : report.volumes) {
    tell_volume(out, volume);
    rescuable += volume.state == RescueState::kRescuable ? 1 : 0;
    rescued += volume.state == RescueState::kRescued ? 1 : 0;
    failed += volume.state == RescueState::kFailed ? 1 : 0;
    differing += volume.seal == SealCompared::kDiffers ? 1 : 0;
    seal_found |= std::find(options.seals.begin(), options.seals.end(), volume.seal_hex) != options.seals.end();
  }
  const std::string all = core::count_of(report.volumes.size(), "volume");
  const std::string shown = core::printable(options.source);
  int code = kGood;
  std::vector<std::string> next;
  if (report.volumes.empty()) {
    code = kFailed;
    out.line(fmt::format("Nothing of a volume was found on {} ({} read). Is it the right disk?", shown,
                         core::format_size(report.bytes)));
    next = {"darkshelf rescue"};
  } else if (options.to.empty()) {
    out.line(fmt::format("{} of {} can be rescued from {}; {} free is enough.", rescuable, all, shown,
                         core::format_size(report.needed)));
    if (rescuable > 0) next = {command_for(options.source, "FOLDER")};
  } else {
    out.line(fmt::format("{} of {} rescued to {}.", rescued, all, core::printable(options.to)));
    if (!report.label.empty()) next = next_commands(report, options.to);
  }
  if (!report.was.empty()) out.line(fmt::format("By its serial this was {}.", either(report.was)));
  for (const std::string& name : report.not_found)
    out.line(fmt::format("{}: was on it, and left no trace", core::printable(name)));
  if (report.read_anew > 0)
    out.line(fmt::format("{} that could not be read before were read now.", core::format_size(report.read_anew)));
  if (report.bad_bytes > 0) {
    code = worse(code, kInputIncomplete);
    out.line(fmt::format("{} of {} cannot be read{}.", core::format_size(report.bad_bytes), shown,
                         options.to.empty() ? "" : "; the same command tries them again"));
  }
  if (report.without_index > 0)
    out.note(fmt::format("{} left recovery data and no index: what they protected cannot be told",
                         core::count_of(report.without_index, "PAR2 set")));
  if (report.unusable_sets > 0)
    out.note(fmt::format("{} passed over, whose file names no file system can hold",
                         report.unusable_sets == 1
                             ? "1 PAR2 set was"
                             : fmt::format("{} were", core::count_of(report.unusable_sets, "PAR2 set"))));
  if (!report.damage.empty())
    out.note(fmt::format("What an earlier run had learnt in {} was damaged ({}): it was looked for again on the disk.",
                         core::printable((io::Path(options.to) / "rescue").string()), report.damage));
  if (report.other_sets > 0)
    out.note(fmt::format("{} of other things were passed over", core::count_of(report.other_sets, "PAR2 set")));
  const bool all_good =
      rescued + rescuable + failed == report.volumes.size() && differing == 0 && report.not_found.empty();
  if (failed > 0) code = worse(code, kFailed);
  if (!all_good) code = worse(code, kDamageBeyondRepair);
  if (!seal_found && !options.to.empty()) {
    code = worse(code, kDamageBeyondRepair);
    out.error("no volume that was rescued has the seal that was given");
  }
  for (std::size_t i = 0; i < next.size(); ++i) out.line((i == 0 ? "Next: " : "      ") + next[i]);
  out.object("rescue_report", {{"source", shown},
                               {"bytes", report.bytes},
                               {"to", core::printable(options.to)},
                               {"volumes", report.volumes.size()},
                               {"rescuable", rescuable},
                               {"rescued", rescued},
                               {"needed", report.needed},
                               {"unreadable_bytes", report.bad_bytes},
                               {"read_anew", report.read_anew},
                               {"was", report.was},
                               {"not_found", report.not_found},
                               {"without_index", report.without_index},
                               {"other_sets", report.other_sets},
                               {"unusable_sets", report.unusable_sets},
                               {"resumed", report.resumed},
                               {"damage", report.damage},
                               {"label", report.label},
                               {"next", next}});
  return code;
}

int rescue(Session& session, Options& options) {
  rituals::RescueContext context{session.fs(), session.world(), session.work(core::parse_size(options.memory)),
                                 catalog_if_any(session)};
  if (options.source.empty()) {
    if (!options.to.empty() || !options.seals.empty())
      throw core::Error(core::Code::kUsage, "a rescue needs a device or an image of one",
                        "darkshelf rescue   (lists the disks of this machine)");
    return list_devices(session, context);
  }
  rituals::RescueRequest request;
  request.source = options.source;
  if (!options.to.empty()) request.to = options.to;
  for (std::string& seal : options.seals) {
    const auto digest = core::digest_from_hex<32>(seal);
    if (!digest)
      throw core::Error(core::Code::kUsage, fmt::format("\"{}\" is no seal: 64 hexadecimal digits", seal),
                        "darkshelf show VOLUME tells it");
    request.seals.push_back(*digest);
    seal = core::to_hex(*digest);
  }
  return tell_report(session.out(), rituals::rescue(context, request), options);
}

}  // namespace

void add_rescue(CLI::App& app, Session& session) {
  CLI::App* cmd =
      app.add_subcommand("rescue", "Get volumes back from a drive that was formatted or lost its file system")
          ->group(kBack);
  const auto o = std::make_shared<Options>();
  cmd->add_option("DEVICE", o->source, "The disk (/dev/sdb), a partition, or an image; none lists the disks");
  cmd->add_option("--to", o->to, "Folder to rescue into, on another disk; without it the disk is only looked at")
      ->type_name("DIR");
  cmd->add_option("--seal", o->seals, "A seal that is known from elsewhere")->type_name("HEX");
  add_memory(cmd, o->memory, "--memory", "What searching and rebuilding may take");
  cmd->callback([&session, o] { session.action = [&session, o] { return rescue(session, *o); }; });
}

}  // namespace darkshelf::cli
