#include "cli/program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <clocale>
#include <csignal>

#include "cli/commands.hpp"
#include "cli/help.hpp"
#include "core/text.hpp"

#ifndef DARKSHELF_VERSION
#error "the build says which version this is"
#endif

namespace darkshelf::cli {

namespace {

core::Cancel* cancel_on_signal = nullptr;

void on_signal(int signal) {
  if (cancel_on_signal == nullptr) return;
  if (cancel_on_signal->requested()) {  // asked twice: at once, as a kill would; the same command again finishes
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  cancel_on_signal->request();
}

std::string line_of(int argc, char** argv, std::string_view without = {}) {
  std::string line = "darkshelf";
  for (int i = 1; i < argc; ++i) {
    if (without.empty() || argv[i] != without) line += " " + core::printable(core::shell_quote(argv[i]));
  }
  return line;
}

void add_all(CLI::App& app, Session& session) {
  app.name("darkshelf");
  app.description(
      "Seals photo shoots onto drives that go on a shelf, knows which drive holds what,\nand checks and repairs drives "
      "when they come back");
  app.set_version_flag("--version", std::string("darkshelf ") + DARKSHELF_VERSION, "Which version this is");
  app.add_option("--catalog", session.globals.catalog, "The catalog (or DARKSHELF_CATALOG tells)")->type_name("FILE");
  app.add_flag("--json", session.globals.json, "One JSON object a line (docs/scripting.md)");
  app.add_flag("-q,--quiet", session.globals.quiet, "No progress, no notes");
  app.add_flag("-v,--verbose", session.globals.verbose, "More details");
  app.add_option("--color", session.globals.color, "auto, always or never")
      ->check(one_of({"auto", "always", "never"}))
      ->type_name("WHEN");
  app.fallthrough();
  app.require_subcommand(0, 1);
  add_seal(app, session);
  add_copy(app, session);
  add_drive(app, session);
  add_place(app, session);
  add_adopt(app, session);
  add_find(app, session);
  add_show(app, session);
  add_where(app, session);
  add_shoot(app, session);
  add_scrub(app, session);
  add_repair(app, session);
  add_restore(app, session);
  add_rescue(app, session);
  add_status(app, session);
  add_due(app, session);
  add_covered(app, session);
  add_work(app, session);
  add_policy(app, session);
  add_init(app, session);
  add_catalog(app, session);
  add_discard(app, session);
  add_key(app, session);
  add_inspect(app, session);
  add_par2(app, session);
  add_help(app, session);
}

int run_action(Session& session, const std::string& line) {
  try {
    Session::check_environment();
    const int code = session.action ? session.action() : print_summary(session);
    session.tell_notes();
    return code;
  } catch (const core::Error& error) {
    session.work().told().end();
    session.tell_notes();
    if (error.code() != core::Code::kCancelled) return tell_error(session.out(), error);
    const std::string told = error.what();
    const bool changed = line != session.command_line();
    const char* again = changed ? "this" : "the same command again";
    return tell_error(session.out(), core::Error(core::Code::kCancelled,
                                                 told == "stopped" ? "stopped; nothing that was sealed is lost" : told,
                                                 fmt::format("to go on, type {}: {}", again, line)));
  } catch (const std::exception& error) {
    session.work().told().end();
    return tell_error(session.out(),
                      core::Error(core::Code::kFailed, fmt::format("something went wrong: {}", error.what())));
  }
}

}  // namespace

int run_program(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  const std::string line = line_of(argc, argv);
  Session session(line);
  cancel_on_signal = &session.cancel();
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGPIPE, SIG_IGN);

  CLI::App app;
  add_all(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    session.out().text(help_of(command_typed(app)));
    return kGood;
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    return tell_error(session.out(), usage_error(app, error));
  } catch (const core::Error& error) {
    return tell_error(session.out(), error);
  }
  const int code = run_action(session, line_of(argc, argv, "--full"));  // which would begin anew
  const bool printed = std::fflush(stdout) == 0;
  cancel_on_signal = nullptr;
  return printed ? code : worse(code, kFailed);
}

}  // namespace darkshelf::cli
