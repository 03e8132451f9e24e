#include <fmt/format.h>

#include "cli/commands.hpp"
#include "core/text.hpp"
#include "rituals/copy.hpp"

namespace darkshelf::cli {

namespace {

/// Sound copies in --via that the target could not take: they go to it, or to another drive.
void tell_kept(Output& out, const rituals::CopyReport& report, const rituals::CopyRequest& request) {
  const std::string label = core::printable(report.to);
  out.error(fmt::format("{} in {}: the same command brings {} to {} when that is well, or another drive takes {}:",
                        core::count_of(report.kept.size(), "volume is kept", "volumes are kept"),
                        core::printable(request.via->string()), report.kept.size() == 1 ? "it" : "them", label,
                        report.kept.size() == 1 ? "it" : "them"));
  out.error("    → darkshelf check " + core::shell_quote(report.to));
  std::vector<std::string> words{"darkshelf copy"};
  for (const std::string& what : request.what) words.push_back(core::shell_quote(what));
  if (request.missing) words.emplace_back("--missing");
  if (!request.from.empty()) words.push_back("--from " + core::shell_quote(request.from));
  words.push_back("--to ANOTHER-DRIVE --via " + core::shell_quote(request.via->string()));
  out.error(fmt::format("    → {}", fmt::join(words, " ")));
}

int copy(Session& session, const rituals::CopyRequest& request, const std::string& memory) {
  rituals::Context context = session.context(core::parse_size(memory));
  const rituals::CopyReport report = rituals::copy(context, request);
  Output& out = session.out();
  std::size_t made = 0;
  for (const rituals::CopiedVolume& copied : report.volumes) {
    made += copied.already_there ? 0 : 1;
    std::vector<std::string> sources{core::printable(copied.from)};
    for (const std::string& helper : copied.helpers) sources.push_back(core::printable(helper));
    std::string how =
        copied.already_there ? "is there already" : fmt::format("copied from {}", fmt::join(sources, " and "));
    if (copied.replaced) how += ", in place of a damaged one, which is kept in darkshelf/quarantine";
    if (copied.mended)
      how +=
          fmt::format(", {} mended on the way", copied.mended_slices > 0 ? core::count_of(copied.mended_slices, "slice")
                                                                         : "damaged lists or parity");
    out.line(fmt::format("{}: {}", copied.volume.folder, how));
    out.object("copied_volume", {{"volume", copied.volume.info.volume.text()},
                                 {"folder", copied.volume.folder},
                                 {"from", copied.from},
                                 {"helped_by", copied.helpers},
                                 {"to", report.to},
                                 {"mended_slices", copied.mended_slices},
                                 {"mended", copied.mended},
                                 {"replaced", copied.replaced},
                                 {"already_there", copied.already_there}});
  }
  for (const rituals::CopiedVolume& staged : report.staged) {
    out.line(fmt::format("{}: {}", staged.volume.folder,
                         staged.from.empty() ? "waits already" : "copied from " + core::printable(staged.from)));
    out.object("copy_staged", {{"volume", staged.volume.info.volume.text()},
                               {"folder", staged.volume.folder},
                               {"from", staged.from},
                               {"to", report.to},
                               {"mended_slices", staged.mended_slices}});
  }
  int code = kGood;
  for (const auto& [volume, why] : report.failed) {
    code = worse(code, kDamageBeyondRepair);
    out.error(fmt::format("{}: {}", volume.folder, core::printable(why)));
    out.object("copy_failed", {{"volume", volume.info.volume.text()},
                               {"folder", volume.folder},
                               {"message", core::printable(why)},
                               {"kept", report.kept.contains(volume.info.volume)}});
  }
  if (!report.kept.empty()) tell_kept(out, report, request);
  for (const std::string& why : report.left) out.error(core::printable(why));
  for (const catalog::Volume& volume : report.absent) {
    code = worse(code, kDriveNotThere);
    out.error(fmt::format("{}: no drive that holds it is plugged in", volume.folder));
    out.object("copy_absent", {{"volume", volume.info.volume.text()}, {"folder", volume.folder}});
  }
  if (!report.absent.empty())
    out.note("darkshelf show VOLUME tells where they lie; plug one in and type the same command again.");
  if (!report.not_refreshed.empty()) {
    code = worse(code, kFailed);
    tell_not_refreshed(out, report.not_refreshed, report.to);
  }
  if (report.readback_cached)
    out.note(fmt::format(
        "{}: a cache may have answered when it was read back; its copies count after a check on a later day.",
        report.to));
  if (!report.staged.empty()) {
    code = worse(code, kDriveNotThere);
    out.line(fmt::format("{} for {} in {}. Unplug the source, plug in {}, and type the same command again.",
                         core::count_of(report.staged.size(), "volume waits", "volumes wait"),
                         core::printable(report.to), core::printable(request.via->string()),
                         core::printable(report.to)));
  }
  if (!report.waiting.empty()) {
    code = worse(code, report.staged.empty() ? kFailed : kDriveNotThere);
    out.line(fmt::format("{} no room there{}.", core::count_of(report.waiting.size(), "volume has", "volumes have"),
                         report.staged.empty() ? ": give a --via folder with more"
                                               : " yet: they follow when the others are on the drive"));
  }
  if (made > 0) {
    out.line(fmt::format("{} copied to {} and read back.", core::count_of(made, "volume"), core::printable(report.to)));
  } else if (code == kGood) {
    out.line(fmt::format("Nothing to copy: {} has all of it.", core::printable(report.to)));
  }
  out.object("copy_report", {{"to", report.to},
                             {"copied", made},
                             {"failed", report.failed.size()},
                             {"absent", report.absent.size()},
                             {"staged", report.staged.size()},
                             {"waiting", report.waiting.size()},
                             {"bytes", report.bytes},
                             {"readback_cached", report.readback_cached}});
  return code;
}

}  // namespace

void add_copy(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("copy", "Copy sealed volumes to another drive, byte for byte")->group(kYearly);
  struct Options {
    rituals::CopyRequest request;
    std::string via, memory = "2GiB";
  };
  auto o = std::make_shared<Options>();
  cmd->add_option("WHAT", o->request.what, "Drives, shoots or volumes");
  cmd->add_flag("--missing", o->request.missing, "Everything that lacks a copy by the policy");
  cmd->add_option("--from", o->request.from, "Only from this drive")->type_name("DRIVE");
  cmd->add_option("--to", o->request.to, "The drive to copy to")->required()->type_name("DRIVE");
  cmd->add_option("--via", o->via, "Folder where volumes wait when both drives cannot be plugged in at once")
      ->type_name("DIR");
  add_memory(cmd, o->memory, "--memory", "What mending may take");
  cmd->callback([&session, o] {
    session.action = [&session, o] {
      if (o->request.what.empty() && !o->request.missing) {
        throw core::Error(core::Code::kUsage, "copy what? Name drives, shoots or volumes, or say --missing",
                          "darkshelf copy --help");
      }
      if (!o->via.empty()) o->request.via = o->via;
      return copy(session, o->request, o->memory);
    };
  });
}

}  // namespace darkshelf::cli
