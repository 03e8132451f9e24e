#include "cli/session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/text.hpp"

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

Session::Session(std::string command_line) : command_line_(std::move(command_line)), world_(core::real_world()) {}
Session::~Session() = default;

Output& Session::out() {
  if (!out_) {
    const bool colors = globals.color == "always" || (globals.color == "auto" && ::isatty(STDOUT_FILENO) == 1);
    out_ = std::make_unique<Output>(globals.json, globals.quiet, globals.verbose,
                                    colors ? Output::Colors::kAlways : Output::Colors::kNever);
  }
  return *out_;
}

io::Path Session::catalog_path() const {
  return globals.catalog.empty() ? catalog::default_catalog_path() : io::Path(globals.catalog);
}

catalog::Catalog& Session::catalog(catalog::Catalog::Access access) {
  if (!catalog_) catalog_ = catalog::Catalog::open(io::posix(), catalog_path(), access, world_, command_line_);
  return *catalog_;
}

catalog::Catalog& Session::catalog_or_new() {
  if (!io::posix().stat_following(catalog_path())) {
    catalog_ = catalog::Catalog::create(io::posix(), catalog_path(), world_, command_line_);
    out().note(fmt::format("made a new catalog: {}", core::printable(catalog_path().string())));
  }
  return catalog(catalog::Catalog::Access::kWrite);
}

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

rituals::Context Session::context(std::uint64_t memory, unsigned threads) {
  return {io::posix(), world_, work(memory, threads), catalog(catalog::Catalog::Access::kWrite)};
}

int tell_error(Output& out, const Error& error) {
  out.error(fmt::format("darkshelf: {}", error.what()));
  if (!error.hint().empty()) out.error(fmt::format("    → {}", error.hint()));
  const int code = exit_code_of(error.code());
  out.object(
      "error",
      {{"exit_code", code}, {"message", core::printable(error.what())}, {"next", core::printable(error.hint())}});
  return code;
}

catalog::Shoot one_shoot(catalog::Catalog& catalog, const std::string& text) {
  const std::vector<catalog::Shoot> found = catalog.find_shoots(text);
  if (found.empty()) {
    throw Error(Code::kNotFound, fmt::format("no shoot is called \"{}\"", core::printable(text)),
                "darkshelf find   (lists all of them)");
  }
  if (found.size() == 1) return found.front();
  std::string names;
  for (const catalog::Shoot& shoot : found)
    names += fmt::format("\n    {} {}", shoot.date, core::printable(shoot.name));
  throw Error(Code::kUsage, fmt::format("\"{}\" could be any of these:{}", core::printable(text), names),
              "give the date and the name");
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
