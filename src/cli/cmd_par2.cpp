#include <fmt/format.h>

#include "cli/commands.hpp"
#include "core/text.hpp"
#include "parity/par2_files.hpp"

namespace darkshelf::cli {

namespace {

struct Options {
  std::string set, slice_bytes, memory = "2GiB";
  std::vector<std::string> files;
  std::uint32_t slices = 0, count = 0, first = 0;
  std::string percent;
  unsigned threads = 0;
  bool plan_only = false;
};

std::vector<io::Path> paths_of(const std::vector<std::string>& files) { return {files.begin(), files.end()}; }

int create(Session& session, const Options& o) {
  parity::CreateRequest request;
  request.set = o.set;
  request.files = paths_of(o.files);
  if (!o.slice_bytes.empty()) request.slice_bytes = core::parse_size(o.slice_bytes);
  if (o.slices > 0) request.slices = o.slices;
  if (o.count > 0) request.recovery_slices = o.count;
  if (!o.percent.empty()) request.percent = core::parse_percent(o.percent);
  request.first_exponent = o.first;
  request.plan_only = o.plan_only;
  const parity::CreateReport report =
      parity::create_set(io::posix(), request, session.work(core::parse_size(o.memory), o.threads));
  Output& out = session.out();
  for (const io::Path& path : report.skipped_empty)
    out.note(fmt::format("empty, so in no PAR2 set: {}", core::printable(path.string())));
  for (const io::Path& path : report.written) out.item(core::printable(path.string()));
  out.line(fmt::format("{} in {} of {}, {}.", core::format_size(report.bytes), core::count_of(report.slices, "slice"),
                       core::format_size(report.slice_bytes),
                       core::count_of(report.recovery_slices, "recovery slice")));
  if (o.plan_only) {
    out.line(report.plan);
    return kGood;
  }
  out.detail(report.plan);
  Json written = Json::array();
  for (const io::Path& path : report.written) written.push_back(core::printable(path.string()));
  out.object("par2_created", {{"bytes", report.bytes},
                              {"slices", report.slices},
                              {"slice_bytes", report.slice_bytes},
                              {"recovery_slices", report.recovery_slices},
                              {"written", written}});
  return kGood;
}

const char* word_of(parity::FileState state) {
  switch (state) {
    case parity::FileState::kIntact:
      return "intact";
    case parity::FileState::kDamaged:
      return "damaged";
    case parity::FileState::kMissing:
      return "missing";
    case parity::FileState::kMisnamed:
      return "misnamed";
  }
  return "";
}

void print_files(Output& out, const parity::VerifyReport& report) {
  std::vector<parity::VerifiedFile> files = report.files;  // a set has them in the order of their ids
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const parity::VerifiedFile& file : files) {
    Json object;
    put_path(object, "name", file.name);
    object["state"] = word_of(file.state);
    object["bytes"] = file.bytes;
    object["slices_lost"] = file.lost.size();
    if (!file.found.empty()) put_path(object, "found", file.found.string());
    out.object("par2_file", std::move(object));
    std::string text = fmt::format("{}: {}", word_of(file.state), core::printable(file.name));
    if (!file.lost.empty()) text += fmt::format(", {} lost", core::count_of(file.lost.size(), "slice"));
    if (file.state == parity::FileState::kMisnamed)
      text += fmt::format(", found as {}", core::printable(file.found.string()));
    out.item(text);
  }
  for (const std::string& name : report.damaged_recovery_files)
    out.line(fmt::format("damaged recovery data: {}", core::printable(name)));
}

int verify(Session& session, const Options& o) {
  const parity::VerifyReport report =
      parity::verify_set(io::posix(), o.set, paths_of(o.files), session.work(core::parse_size(o.memory), o.threads));
  Output& out = session.out();
  print_files(out, report);
  const bool data_intact = std::all_of(report.files.begin(), report.files.end(),
                                       [](const auto& file) { return file.state == parity::FileState::kIntact; });
  int code = kGood;
  if (report.intact()) {
    out.line(fmt::format("Intact: {}, and {} of recovery data.", core::count_of(report.files.size(), "file"),
                         core::count_of(report.recovery_slices, "slice")));
  } else if (data_intact) {
    code = kDamageRepairable;
    out.line("The files are intact; recovery data is damaged. Create the set again.");
  } else {
    code = report.repairable() ? kDamageRepairable : kDamageBeyondRepair;
    out.line(report.repairable()
                 ? fmt::format("{} lost, {} recovery slices are sound: darkshelf par2 repair mends it.",
                               core::count_of(report.lost, "slice is", "slices are"), report.recovery_slices)
                 : fmt::format("{} lost, but only {} recovery slices are sound.",
                               core::count_of(report.lost, "slice is", "slices are"), report.recovery_slices));
  }
  out.object("par2_verified", {{"intact", report.intact()},
                               {"repairable", report.repairable()},
                               {"slices", report.slices},
                               {"lost", report.lost},
                               {"recovery_slices", report.recovery_slices},
                               {"damaged_recovery_bytes", report.damaged_recovery_bytes}});
  return code;
}

int repair(Session& session, const Options& o) {
  const parity::RepairReport report =
      parity::repair_set(io::posix(), o.set, paths_of(o.files), session.work(core::parse_size(o.memory), o.threads));
  Output& out = session.out();
  for (const std::string& name : report.repaired) out.line("repaired: " + core::printable(name));
  for (const std::string& name : report.kept) out.line("the damaged one is kept as " + core::printable(name));
  if (report.repaired.empty()) out.line("All files are intact; nothing to repair.");
  Json repaired = Json::array(), kept = Json::array();
  for (const std::string& name : report.repaired) repaired.push_back(core::printable(name));
  for (const std::string& name : report.kept) kept.push_back(core::printable(name));
  out.object("par2_repaired", {{"repaired", repaired}, {"kept", kept}});
  return kGood;
}

}  // namespace

void add_par2(CLI::App& app, Session& session) {
  CLI::App* par2 = app.add_subcommand("par2", "Standard PAR2 parity on any files")->group(kUpkeep);
  par2->require_subcommand(1);
  const auto verb = [&](const char* name, const char* help, auto run) {
    CLI::App* cmd = par2->add_subcommand(name, help);
    auto o = std::make_shared<Options>();
    cmd->add_option("SET", o->set, "NAME.par2; the files lie in its folder or below")->required();
    add_memory(cmd, o->memory, "-m,--memory", "What it may take");
    cmd->add_option("-t,--threads", o->threads, "0: as many as there are CPUs")
        ->capture_default_str()
        ->type_name("THREADS")
        ->check(number_between(0, 1024));
    cmd->callback([&session, o, run] { session.action = [&session, o, run] { return run(session, *o); }; });
    return std::pair(cmd, o);
  };
  auto [make, o] = verb("create", "Make a set", create);
  make->add_option("FILES", o->files, "Files and folders to protect")->required();
  CLI::Option* size = make->add_option("-s,--slice-size", o->slice_bytes, "Bytes of a slice")
                          ->type_name("BYTES")
                          ->check(size_between(4, std::uint64_t{1} << 40));
  make->add_option("-b,--slices", o->slices, "Number of slices (2000 if left out)")
      ->excludes(size)
      ->type_name("SLICES")
      ->check(number_between(1, 32768));
  CLI::Option* percent = make->add_option("-r,--redundancy", o->percent, "Recovery data in percent (5% if left out)")
                             ->type_name("PERCENT")
                             ->check(percentage());
  make->add_option("-c,--recovery-slices", o->count, "Number of recovery slices")
      ->excludes(percent)
      ->type_name("COUNT")
      ->check(number_between(1, 65535));
  make->add_option("-f,--first", o->first, "First recovery slice number")
      ->type_name("NUMBER")
      ->check(number_between(0, 65534));
  make->add_flag("--plan", o->plan_only, "Only say how it would be computed, what that costs and what it reads");
  auto [check, verify_options] = verb("verify", "Compare files and recovery data with a set", verify);
  check->add_option("FILES", verify_options->files, "Other files that may hold the content");
  auto [mend, repair_options] = verb("repair", "Rebuild damaged and missing files", repair);
  mend->add_option("FILES", repair_options->files, "Other files that may hold the content");
}

}  // namespace darkshelf::cli
