#include <fmt/format.h>

#include "cli/adopted.hpp"
#include "cli/commands.hpp"
#include "core/text.hpp"
#include "rituals/adopt.hpp"
#include "rituals/protect.hpp"

namespace darkshelf::cli {

namespace {

struct Options {
  std::string path, label, place, memory = "2GiB";
  std::string each;
  bool names_only = false, protect = false;
};

std::string in_words(std::uint64_t photos, std::uint64_t files) { return rituals::photos_and_files(photos, files); }

void tell_plan(Output& out, const rituals::AdoptPlan& plan, bool names_only) {
  const std::string label = core::printable(plan.drive.label);
  out.line(fmt::format(
      "{} on {}: {} in {}, {}{}.", plan.is_new ? "Found" : "There is", label, in_words(plan.photos, plan.files),
      core::count_of(plan.shoots, "shoot"), core::format_size(plan.bytes),
      plan.loose_files > 0 ? fmt::format(" ({} in no shoot)", core::count_of(plan.loose_files, "file")) : ""));
  if (!names_only && plan.to_read_files > 0) {
    const std::string rate = fmt::format("{} a second, {}", core::format_size(plan.rate),
                                         plan.rate_measured ? "measured by a sample" : "assumed");
    out.line(fmt::format("To read: {}, {}; about {} ({}). Ctrl-C at any time: the same command goes on there.",
                         core::count_of(plan.to_read_files, "file"), core::format_size(plan.to_read_bytes),
                         core::format_duration(std::max(plan.estimate, std::chrono::seconds(1))), rate));
  }
  out.object("adopt_plan", {{"drive", plan.drive.label},
                            {"id", plan.drive.id.text()},
                            {"new", plan.is_new},
                            {"shoots", plan.shoots},
                            {"photos", plan.photos},
                            {"files", plan.files},
                            {"bytes", plan.bytes},
                            {"loose_files", plan.loose_files},
                            {"to_read_files", plan.to_read_files},
                            {"to_read_bytes", plan.to_read_bytes},
                            {"rate", plan.rate},
                            {"rate_measured", plan.rate_measured},
                            {"seconds", plan.estimate.count()}});
}

template <typename Show>
void some_of(Output& out, std::size_t count, Show show) {
  constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; i < count && (i < kShown || out.verbose()); ++i) out.item("    " + show(i));
  if (count > kShown && !out.verbose())
    out.line(fmt::format("    … and {} more (-v shows all)", core::with_commas(count - kShown)));
}

void list_of(Output& out, const std::string& heading, const std::vector<rituals::NotTaken>& list) {
  if (list.empty()) return;
  out.line(heading);
  some_of(out, list.size(), [&](std::size_t i) {
    return fmt::format("{}: {}", core::printable(list[i].path), core::printable(list[i].reason));
  });
}

const char* name_of(rituals::ChangedFile::How how) {
  using How = rituals::ChangedFile::How;
  return how == How::kTouched ? "touched" : how == How::kEdited ? "edited" : "changed";
}

const char* in_words(rituals::ChangedFile::How how) {
  using How = rituals::ChangedFile::How;
  return how == How::kTouched  ? "only its time changed"
         : how == How::kEdited ? "what is written about it changed, the picture did not"
                               : "its contents changed";
}

void tell_shoot(Output& out, const rituals::AdoptedShoot& shoot, bool first_time) {
  const std::string where = shoot.folder.empty() ? "" : fmt::format("  ({})", core::printable(shoot.folder));
  std::string news;
  if (!first_time && shoot.new_files > 0) news = fmt::format(", {} new", core::with_commas(shoot.new_files));
  if (!shoot.gone.empty()) news += fmt::format(", {} gone", core::with_commas(shoot.gone.size()));
  if (!shoot.changed.empty()) news += fmt::format(", {} changed", core::with_commas(shoot.changed.size()));
  const std::string row = fmt::format("  {}{}{}: {}{}{}", core::printable(shoot.date), shoot.date.empty() ? "" : " ",
                                      core::printable(shoot.title), in_words(shoot.photos, shoot.files), news, where);
  if (first_time || !news.empty())
    out.item(row);
  else
    out.detail(row);
  some_of(out, shoot.changed.size(), [&](std::size_t i) {
    return fmt::format("{}: {}", core::printable(shoot.changed[i].path), in_words(shoot.changed[i].how));
  });
  some_of(out, shoot.gone.size(),
          [&](std::size_t i) { return fmt::format("{}: gone", core::printable(shoot.gone[i])); });
  Json changed = Json::array(), gone = Json::array();
  for (const rituals::ChangedFile& file : shoot.changed) {
    Json one = {{"how", name_of(file.how)}};
    put_path(one, "path", file.path);
    changed.push_back(std::move(one));
  }
  for (const std::string& path : shoot.gone) gone.push_back(core::printable(path));
  Json object = {{"shoot", shoot.shoot.text()}, {"title", shoot.title}, {"date", shoot.date}};
  put_path(object, "folder", shoot.folder);
  object["known"] = shoot.known;
  object["photos"] = shoot.photos;
  object["files"] = shoot.files;
  object["bytes"] = shoot.bytes;
  object["new_files"] = shoot.new_files;
  object["further_copies"] = shoot.further_copies;
  object["changed"] = std::move(changed);
  object["gone"] = std::move(gone);
  out.object("adopted_shoot", std::move(object));
}

void tell_list(Output& out, const rituals::ListVerdict& list) {
  const std::string name = core::printable(list.path);
  if (!list.problem.empty()) {
    out.note(fmt::format("{}: {}", name, core::printable(list.problem)));
  } else {
    const std::string year = core::format_date(core::Time(std::chrono::nanoseconds(list.mtime_ns))).substr(0, 4);
    std::string text = fmt::format("In agreement with {} of {}: {}", name, year, core::count_of(list.agree, "file"));
    if (!list.differ.empty())
      text += fmt::format("; {} {}: damaged since then, or changed", core::with_commas(list.differ.size()),
                          list.differ.size() == 1 ? "differs" : "differ");
    if (list.missing > 0) text += fmt::format("; {} not there any more", core::with_commas(list.missing));
    if (list.unread > 0) text += fmt::format("; {} not compared", core::with_commas(list.unread));
    if (list.agree + list.differ.size() == 0)  // nothing was read that it speaks of
      out.detail(text + ".");
    else
      out.line(list.differ.empty() ? text + "." : out.paint(Color::kRed, text + "."));
    some_of(out, list.differ.size(), [&](std::size_t i) { return core::printable(list.differ[i]); });
  }
  Json differ = Json::array();
  for (const std::string& path : list.differ) differ.push_back(core::printable(path));
  Json object = Json::object();
  put_path(object, "path", list.path);
  object["agree"] = list.agree;
  object["differ"] = std::move(differ);
  object["missing"] = list.missing;
  object["not_compared"] = list.unread;
  object["message"] = core::printable(list.problem);
  out.object("checksum_list", std::move(object));
}

/// Of what was left out, one line a reason.
void tell_left_out(Output& out, const std::vector<rituals::NotTaken>& left_out) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const rituals::NotTaken& one : left_out) by_reason[one.reason].push_back(core::printable(one.path));
  for (const auto& [reason, paths] : by_reason) {
    out.line(fmt::format("Left out, {}: {}{}", reason, paths.front(),
                         paths.size() > 1 ? fmt::format(" and {} more", core::with_commas(paths.size() - 1)) : ""));
    for (const std::string& path : paths) out.detail("    " + path);
  }
}

Json json_of(const std::vector<rituals::NotTaken>& list) {
  Json array = Json::array();
  for (const rituals::NotTaken& one : list) {
    Json object = Json::object();
    put_path(object, "path", one.path);
    object["reason"] = core::printable(one.reason);
    array.push_back(std::move(object));
  }
  return array;
}

int tell_report(Session& session, const rituals::AdoptReport& report, bool names_only) {
  Output& out = session.out();
  std::uint64_t photos = 0, files = 0, differing = 0;
  bool changed = false;
  for (const rituals::AdoptedShoot& shoot : report.shoots) {
    tell_shoot(out, shoot, report.first_time);
    photos += shoot.photos;
    files += shoot.files;
    changed |= shoot.new_files > 0 || !shoot.changed.empty() || !shoot.gone.empty();
  }
  const std::string label = core::printable(report.plan.drive.label);
  if (!report.first_time && !changed) out.line(fmt::format("Nothing on {} has changed since it was taken in.", label));
  for (const rituals::ListVerdict& list : report.lists) {
    tell_list(out, list);
    differing += list.differ.size();
  }
  tell_left_out(out, report.left_out);
  list_of(out, "Not what their names say:", report.not_as_named);
  list_of(out, "Not taken in:", report.unreadable);
  if (report.undecoded > 0)
    out.note(fmt::format("Of {} nothing but the contents is known: what decodes pictures gave up on them.",
                         core::count_of(report.undecoded, "file")));
  if (names_only) {
    out.line(fmt::format("{} of {} are known by name; nothing was read, and they count as no copy.",
                         in_words(photos, files), label));
    out.line(fmt::format("To read them: darkshelf adopt {} --label {}", core::shell_quote(report.plan.root.string()),
                         core::shell_quote(report.plan.drive.label)));
  } else {
    out.line(
        out.paint(Color::kGreen, fmt::format("{} on {} are known and count as a copy ({} read).",
                                             in_words(photos, files), label, core::format_size(report.bytes_read))));
    tell_standing(session, report.plan.drive, report.standing);
  }
  out.object("adopt_report", {{"drive", report.plan.drive.label},
                              {"id", report.plan.drive.id.text()},
                              {"names_only", names_only},
                              {"shoots", report.shoots.size()},
                              {"photos", photos},
                              {"files", files},
                              {"files_read", report.files_read},
                              {"bytes_read", report.bytes_read},
                              {"seconds", std::chrono::duration<double>(report.took).count()},
                              {"undecoded", report.undecoded},
                              {"left_out", json_of(report.left_out)},
                              {"not_as_named", json_of(report.not_as_named)},
                              {"not_taken", json_of(report.unreadable)}});
  int code = kGood;
  if (!report.unreadable.empty()) code = worse(code, kInputIncomplete);
  return code;
}

int adopt(Session& session, const Options& options) {
  session.catalog_or_new();
  rituals::Context context = session.context(core::parse_size(options.memory));
  Output& out = session.out();
  rituals::AdoptRequest request;
  request.path = options.path;
  request.label = options.label;
  request.place = options.place;
  if (!options.each.empty()) request.each = static_cast<unsigned>(std::stoul(options.each));
  request.names_only = options.names_only;
  request.on_plan = [&](const rituals::AdoptPlan& plan) { tell_plan(out, plan, options.names_only); };
  const rituals::AdoptReport report = rituals::adopt(context, request);
  const int code = tell_report(session, report, options.names_only);
  if (!options.protect) return code;
  for (const rituals::Protected& one : rituals::protect(context, report, 10)) {
    Json object = Json::object();
    put_path(object, "set", one.set);
    object["bytes"] = one.bytes;
    object["there"] = one.there;
    object["message"] = core::printable(one.problem);
    out.object("protected", std::move(object));
    const std::string set = core::printable(one.set);
    if (!one.problem.empty()) {
      out.line(fmt::format("No new recovery data {}: {}", set, one.problem));
      out.line("    → " + one.next);
    } else if (one.there) {
      out.detail(fmt::format("{}: there already", set));
    } else {
      out.item(fmt::format("  {}: recovery data for {}", set, core::format_size(one.bytes)));
    }
  }
  return code;
}

}  // namespace

void add_adopt(CLI::App& app, Session& session) {
  CLI::App* cmd =
      app.add_subcommand("adopt", "Take in a drive that is full already; nothing is written to it")->group(kWhich);
  auto o = std::make_shared<Options>();
  cmd->add_option("PATH", o->path, "Folder where it is mounted")->required();
  cmd->add_option("--label", o->label, "What is written on it, such as \"WD blue 2019\"")
      ->required()
      ->type_name("LABEL");
  cmd->add_option("--place", o->place, "Where it is kept")->type_name("PLACE");
  cmd->add_flag("--each{1}", o->each,
                "Every folder so many levels down is a shoot (1: those right below; 0: all of it is one); told by "
                "what lies in them if left out")
      ->type_name("DEPTH")
      ->check(number_between(0, 9));
  cmd->add_flag("--names-only", o->names_only, "Names, sizes and dates alone: quick, and counts as no copy");
  cmd->add_flag("--protect", o->protect, "Put PAR2 recovery data beside each shoot (10 %); no photo is touched")
      ->excludes("--names-only");
  add_memory(cmd, o->memory, "--memory", "What reading may take");
  cmd->callback([&session, o] { session.action = [&session, o] { return adopt(session, *o); }; });
}

}  // namespace darkshelf::cli
