#pragma once
// What every command is handed: the global options, the catalog, where to print, how long work tells how far it is.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "io/drive_guard.hpp"
#include "rituals/context.hpp"
#include "shelf/policy.hpp"

namespace darkshelf::cli {

/// The exit codes of the contract (docs/scripting.md). Several at once: the first of 130, 8, 7, 2, 1, 5, 4, 3, 6 that
/// occurred.
enum Exit : int {
  kGood = 0,
  kFailed = 1,
  kUsage = 2,
  kInputIncomplete = 3,
  kDamageRepairable = 4,
  kDamageBeyondRepair = 5,
  kPolicyNotMet = 6,
  kDriveNotThere = 7,
  kInUse = 8,
  kInterrupted = 130,
};
int worse(int a, int b);
int exit_code_of(core::Code code);

struct Globals {
  std::string catalog;
  bool json = false, quiet = false, verbose = false;
  std::string color = "auto";
};

class Session {
 public:
  explicit Session(std::string command_line);
  ~Session();

  Globals globals;
  /// Set by the command that was parsed; returns the exit code.
  std::function<int()> action;

  /// Throws kUsage for what the environment says and nobody understands.
  static void check_environment();
  Output& out();
  io::Path catalog_path() const;
  /// Opened once. kWrite takes the lock.
  catalog::Catalog& catalog(catalog::Catalog::Access access);
  /// There must be none.
  catalog::Catalog& new_catalog();
  /// As catalog(kWrite), but makes it when there is none.
  catalog::Catalog& catalog_or_new();
  /// What was made as root beside the default catalog is the person's who typed sudo.
  void give_to_caller();
  /// A context over the catalog (opened for writing), with progress and Ctrl-C.
  rituals::Context context(std::uint64_t memory = 0, unsigned threads = 0);
  /// The same for what works from drives alone: without a catalog on this machine over an empty one that goes with the
  /// session.
  rituals::Context context_or_scratch(std::uint64_t memory);
  core::Work work(std::uint64_t memory = 0, unsigned threads = 0);
  /// The known drives that are plugged in at this moment, and where.
  const std::map<core::Uuid, io::Path>& plugged_in();
  /// Where to look for a drive, in a few words: "home/shelf 2", "plugged in", "lent to Anna".
  std::string whereabouts(const catalog::Drive& drive);
  /// Prints what rituals left to be heard; what was printed is not printed again.
  void tell_notes();
  /// What the catalog cannot know: which drives are plugged in; and which are taken to be gone.
  shelf::Situation situation(const std::set<core::Uuid>& without = {});
  shelf::Policy policy();
  /// The shelf against its policy, as it is now.
  shelf::Status status();
  const std::string& command_line() const { return command_line_; }
  io::FileSystem& fs() { return fs_; }
  core::World& world() { return world_; }
  core::Cancel& cancel() { return cancel_; }
  core::Time now() { return world_.now(); }

 private:
  std::string command_line_;
  core::World& world_;
  core::Cancel cancel_;
  io::DriveGuard fs_;
  std::unique_ptr<Output> out_;
  std::unique_ptr<TerminalProgress> progress_;
  std::optional<catalog::Catalog> catalog_;
  io::Path scratch_;  // folder of a catalog that goes with the session; empty: none
  std::vector<rituals::Note> notes_;
  std::size_t notes_told_ = 0;
  std::optional<std::map<core::Uuid, io::Path>> plugged_in_;
};

/// Tells what an error says and what to type next, on stderr (and as an object with --json); returns its exit code.
int tell_error(Output& out, const core::Error& error);

/// That the copy of the catalog on a drive is not refreshed, beside a result that stands, and what to type next.
void tell_not_refreshed(Output& out, const std::string& why, const std::string& label);

/// What scrubs found on a drive and nobody mended since: damage, without what is only foreign there.
std::vector<catalog::Finding> open_damage(catalog::Catalog& catalog, const core::Uuid& drive);

/// The command against damage on a drive: a repair, or where the medium is failing a copy to another.
std::string what_mends(catalog::Catalog& catalog, const catalog::Drive& drive);

/// The one shoot that is meant; throws kNotFound, or kUsage with the candidates.
catalog::Shoot one_shoot(catalog::Catalog& catalog, const std::string& text);
/// The drive that is known by this name, id or path where it is plugged in; throws kNotFound.
catalog::Drive known_drive(Session& session, const std::string& text);

}  // namespace darkshelf::cli
