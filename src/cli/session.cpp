#include "cli/session.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/wear.hpp"
#include "core/text.hpp"
#include "rituals/findings.hpp"
#include "rituals/scrub.hpp"

namespace darkshelf::cli {

using core::Code;
using core::Error;

int worse(int a, int b) {
  static constexpr std::array kOrder = {
      kInterrupted,      kInUse,           kDriveNotThere, kUsage, kFailed, kDamageBeyondRepair,
      kDamageRepairable, kInputIncomplete, kPolicyNotMet,  kGood};
  const auto rank = [](int code) { return std::find(kOrder.begin(), kOrder.end(), code) - kOrder.begin(); };
  return rank(a) <= rank(b) ? a : b;
}

int exit_code_of(Code code) {
  switch (code) {
    case Code::kUnrepairable:
      return kDamageBeyondRepair;
    case Code::kUsage:
    case Code::kNoCatalog:
      return kUsage;
    case Code::kDriveAbsent:
    case Code::kDriveGone:
    case Code::kWrongDrive:
      return kDriveNotThere;
    case Code::kInUse:
      return kInUse;
    case Code::kCancelled:
      return kInterrupted;
    default:
      return kFailed;
  }
}

namespace {

/// Lines of a sentence as one, for a field of JSON.
std::string on_one_line(const std::string& text) {
  std::string line;
  bool indent = false;  // blanks elsewhere may be of a name
  for (const char c : text) {
    if (indent && c == ' ') continue;
    indent = c == '\n';
    line += indent ? ' ' : c;
  }
  return core::printable(line);
}

io::Path in_home(const io::Path& home) { return home / ".local" / "share" / "darkshelf" / "catalog.db"; }

constexpr const char* kAnswerWithin = "DARKSHELF_ANSWER_WITHIN";

std::optional<std::chrono::milliseconds> seconds_in(const char* text) {
  char* end = nullptr;
  const double seconds = std::strtod(text, &end);
  const bool sound = end != text && *end == '\0' && seconds >= 0 && seconds <= 86400;
  if (!sound) return {};
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

/// A minute for a read of a drive, or as many seconds as DARKSHELF_ANSWER_WITHIN says; 0: however long it takes.
io::Patience patience(const core::Cancel* cancel) {
  io::Patience patience{cancel, std::chrono::seconds(60), std::chrono::milliseconds(500)};
  const char* told = std::getenv(kAnswerWithin);
  if (const auto limit = told == nullptr ? std::nullopt : seconds_in(told)) patience.answer_within = *limit;
  return patience;
}

/// Who typed sudo; null when nobody did.
const passwd* caller_of_sudo() {
  const char* user = std::getenv("SUDO_USER");
  return user != nullptr && *user != '\0' && ::geteuid() == 0 ? ::getpwnam(user) : nullptr;
}

/// $DARKSHELF_CATALOG, else $XDG_DATA_HOME/darkshelf/catalog.db, else ~/.local/share/…; under sudo that of the calling
/// user.
io::Path default_catalog_path() {
  const auto value = [](const char* name) -> std::string {
    const char* text = std::getenv(name);
    return text == nullptr ? std::string() : text;
  };
  if (const std::string told = value("DARKSHELF_CATALOG"); !told.empty()) return told;
  // Under sudo the catalog is still the person's own.
  if (const passwd* caller = caller_of_sudo()) return in_home(caller->pw_dir);
  // A relative path there is to be ignored, says the XDG Base Directory Specification.
  if (const std::string data = value("XDG_DATA_HOME"); data.starts_with('/'))
    return io::Path(data) / "darkshelf" / "catalog.db";
  std::string home = value("HOME");
  if (home.empty()) {
    const passwd* entry = ::getpwuid(::geteuid());
    home = entry != nullptr ? entry->pw_dir : "/";
  }
  return in_home(home);
}

/// What was made as root in the home of a person is theirs: they need it without sudo tomorrow.
void give_to_caller_of_sudo(const io::Path& catalog) {
  const passwd* caller = caller_of_sudo();
  if (caller == nullptr || catalog != in_home(caller->pw_dir)) return;
  const io::Path home(caller->pw_dir);
  std::vector<io::Path> made;
  for (io::Path above = catalog.parent_path(); above != home && above.has_relative_path(); above = above.parent_path())
    made.push_back(above);
  for (const io::Entry& entry : io::posix().list(catalog.parent_path()))
    made.push_back(catalog.parent_path() / entry.name);
  for (const io::Path& path : made) io::give_to(path, caller->pw_uid, caller->pw_gid);
}

}  // namespace

Session::Session(std::string command_line)
    : command_line_(std::move(command_line)), world_(core::real_world()), fs_(io::posix(), patience(&cancel_)) {}
Session::~Session() {
  if (scratch_.empty()) return;
  catalog_.reset();
  try {
    io::remove_tree(io::posix(), scratch_);
  } catch (const Error&) {  // the system clears its folder for such things
  }
}

void Session::check_environment() {
  const char* told = std::getenv(kAnswerWithin);
  if (told == nullptr || *told == '\0' || seconds_in(told)) return;
  throw Error(Code::kUsage, fmt::format("{}: \"{}\" is no number of seconds", kAnswerWithin, core::printable(told)),
              fmt::format("unset {}, or give it seconds such as 60 (0: however long it takes)", kAnswerWithin));
}

Output& Session::out() {
  if (!out_) {
    const bool colors = globals.color == "always" || (globals.color == "auto" && ::isatty(STDOUT_FILENO) == 1);
    out_ = std::make_unique<Output>(Output::Style{globals.json, globals.quiet, globals.verbose, colors});
  }
  return *out_;
}

io::Path Session::catalog_path() const {
  return globals.catalog.empty() ? default_catalog_path() : io::Path(globals.catalog);
}

catalog::Catalog& Session::catalog(catalog::Catalog::Access access) {
  if (!catalog_) catalog_ = catalog::Catalog::open(io::posix(), catalog_path(), access, world_, command_line_);
  return *catalog_;
}

catalog::Catalog& Session::new_catalog() {
  try {
    catalog_ = catalog::Catalog::create(io::posix(), catalog_path(), world_, command_line_);
  } catch (const Error& error) {
    if (error.code() != Code::kIo || !error.hint().empty()) throw;
    throw Error(Code::kIo, error.what(), "give the catalog another place: --catalog FILE, or DARKSHELF_CATALOG");
  }
  give_to_caller();
  return *catalog_;
}

catalog::Catalog& Session::catalog_or_new() {
  if (!io::posix().stat_following(catalog_path())) {
    new_catalog();
    out().note(fmt::format("made a new catalog: {}", core::printable(catalog_path().string())));
  }
  return catalog(catalog::Catalog::Access::kWrite);
}

void Session::give_to_caller() { give_to_caller_of_sudo(catalog_path()); }

core::Work Session::work(std::uint64_t memory, unsigned threads) {
  if (!progress_) {
    using Style = TerminalProgress::Style;
    progress_ = std::make_unique<TerminalProgress>(globals.quiet                  ? Style::kSilent
                                                   : ::isatty(STDERR_FILENO) == 1 ? Style::kRenewed
                                                                                  : Style::kLines);
  }
  core::Work work;
  work.cancel = &cancel_;
  work.progress = progress_.get();
  if (memory != 0) work.memory = memory;
  work.threads = threads;
  return work;
}

const std::map<core::Uuid, io::Path>& Session::plugged_in() {
  if (!plugged_in_) plugged_in_ = rituals::plugged_in(io::posix(), catalog(catalog::Catalog::Access::kRead));
  return *plugged_in_;
}

shelf::Situation Session::situation(const std::set<core::Uuid>& without) {
  shelf::Situation situation{{}, without};
  for (const auto& [drive, root] : plugged_in()) situation.plugged_in.insert(drive);
  return situation;
}

shelf::Policy Session::policy() { return shelf::policy_from(catalog(catalog::Catalog::Access::kRead).policy()); }

shelf::Status Session::status() {
  return shelf::status_of(catalog(catalog::Catalog::Access::kRead), policy(), now(), situation());
}

std::string Session::whereabouts(const catalog::Drive& drive) {
  const std::string here = plugged_in().contains(drive.id) ? ", but plugged in" : "";
  if (drive.state == catalog::DriveState::kLent) return "lent to " + core::printable(drive.lent_to) + here;
  if (drive.state != catalog::DriveState::kOnShelf) return std::string(catalog::name_of(drive.state)) + here;
  const std::string place = core::printable(drive.place_name);
  if (plugged_in().contains(drive.id)) return "plugged in";
  if (drive.away()) return fmt::format("not returned to {} yet", place);
  return place.empty() ? "on the shelf" : place + (drive.offsite ? " (off-site)" : "");
}

rituals::Context Session::context(std::uint64_t memory, unsigned threads) {
  return {fs_,
          world_,
          work(memory, threads),
          catalog(catalog::Catalog::Access::kWrite),
          &notes_,
          [this](const catalog::Drive& drive, const rituals::WearReport& wear) { tell_wear(out(), drive, wear); }};
}

void Session::tell_notes() {
  for (; notes_told_ < notes_.size(); ++notes_told_) {
    const rituals::Note& note = notes_[notes_told_];
    out().note(note.text);
    if (!note.next.empty()) out().note("    → " + note.next);
    out().object("note", {{"message", on_one_line(note.text)}, {"next", on_one_line(note.next)}});
  }
}

rituals::Context Session::context_or_scratch(std::uint64_t memory) {
  if (!catalog_ && !io::posix().stat_following(catalog_path())) {
    const char* told = std::getenv("TMPDIR");
    scratch_ = io::Path(told != nullptr && *told != '\0' ? told : "/tmp") / ("darkshelf-" + world_.new_id().text());
    io::posix().make_dirs(scratch_);
    catalog_ = catalog::Catalog::create(io::posix(), scratch_ / "catalog.db", world_, command_line_);
  }
  return context(memory);
}

int tell_error(Output& out, const Error& error) {
  out.error(fmt::format("darkshelf: {}", error.what()));
  if (!error.hint().empty()) out.error(fmt::format("    → {}", error.hint()));
  const int code = exit_code_of(error.code());
  out.object("error",
             {{"exit_code", code}, {"message", on_one_line(error.what())}, {"next", on_one_line(error.hint())}});
  return code;
}

void tell_not_refreshed(Output& out, const std::string& why, const std::string& label) {
  out.error(core::printable(why));
  out.error(fmt::format("    → when that is put right: darkshelf drive eject {}   (writes it, then unmounts)",
                        core::shell_quote(label)));
}

std::vector<catalog::Finding> open_damage(catalog::Catalog& catalog, const core::Uuid& drive) {
  std::vector<catalog::Finding> findings = catalog.open_findings(drive);
  std::erase_if(findings, [](const catalog::Finding& finding) { return rituals::is_harmless(finding); });
  return findings;
}

std::string what_mends(catalog::Catalog& catalog, const catalog::Drive& drive) {
  const std::string label = core::shell_quote(drive.label);
  return shelf::is_failing(catalog, drive.id)
             ? fmt::format("darkshelf copy {} --to ANOTHER-DRIVE   (the medium is failing: do not write to it)", label)
             : fmt::format("darkshelf repair {}", label);
}

catalog::Shoot one_shoot(catalog::Catalog& catalog, const std::string& text) {
  if (auto shoot = catalog.find_shoot(text)) return std::move(*shoot);
  throw Error(Code::kNotFound, fmt::format("no shoot is called \"{}\"", core::printable(text)),
              "darkshelf find   (lists all of them)");
}

catalog::Drive known_drive(Session& session, const std::string& text) {
  auto& catalog = session.catalog(catalog::Catalog::Access::kWrite);
  if (auto drive = catalog.find_drive(text)) return std::move(*drive);
  if (!text.empty() && io::posix().stat_following(text)) {
    rituals::Context context = session.context();
    return rituals::attach(context, text, rituals::Visit::kReadOnly).drive;
  }
  throw Error(Code::kNotFound, fmt::format("no drive is called \"{}\"", core::printable(text)), "darkshelf drive list");
}

}  // namespace darkshelf::cli
