#pragma once
// A drive that is full already is taken in as it is: its shoots are found, every file is read once for its digest, its
// metadata and its thumbnail, and the catalog learns what lies there. Nothing is written to the drive.

#include "rituals/adopt_lists.hpp"
#include "rituals/context.hpp"

namespace darkshelf::rituals {

/// What is known before the first byte is read.
struct AdoptPlan {
  catalog::Drive drive;
  io::Path root;
  bool is_new = false;                                         // the drive
  std::uint64_t shoots = 0, files = 0, photos = 0, bytes = 0;  // found
  std::uint64_t to_read_files = 0, to_read_bytes = 0;          // not known from earlier runs
  std::uint64_t loose_files = 0;                               // in no shoot
  std::uint64_t rate = 0;                                      // bytes a second
  bool rate_measured = false;                                  // by a short sample; else assumed
  std::chrono::seconds estimate{};
  std::vector<std::string> lists;  // of checksums, that were found: below the root
};

struct AdoptRequest {
  io::Path path;
  std::string label, place;
  std::optional<unsigned> each;  // --each[=DEPTH]; nothing: shoots are told by what lies in the folders
  bool names_only = false;
  // Where a shoot is cut into parts: what a run that is killed reads again at most, and the size of a transaction.
  std::uint64_t part_bytes = std::uint64_t{4} << 30;
  std::size_t part_files = 4096;
  std::function<void(const AdoptPlan&)> on_plan{};  // told at once
};

/// Something that was not taken in, and why.
struct NotTaken {
  std::string path;  // below the root
  std::string reason;
};
/// A file that is not what it was when it was taken in.
struct ChangedFile {
  std::string path;  // below the root
  enum class How {
    kTouched,  // the same bytes: only its time is another
    kEdited,   // other bytes, the same picture: what is written about it changed
    kChanged,  // another picture, or no telling
  } how = How::kChanged;
};

struct AdoptedShoot {
  core::Uuid shoot;
  std::string title, date;
  std::string folder;                                           // below the root; "" for the files in no shoot
  bool known = false;                                           // the shoot was, from another drive or a seal
  std::uint64_t photos = 0, files = 0, bytes = 0;               // that are known of it on this drive now
  std::uint64_t new_files = 0, hashed = 0, further_copies = 0;  // the last: volumes that another drive has, too
  std::vector<ChangedFile> changed;
  std::vector<std::string> gone;  // below the root
  std::vector<std::string> notes;
};

struct AdoptReport {
  AdoptPlan plan;
  std::vector<AdoptedShoot> shoots;
  std::vector<NotTaken> left_out;      // of the system, or excluded by rule
  std::vector<NotTaken> unreadable;    // or changed while it was read: exit 3
  std::vector<NotTaken> not_as_named;  // pictures by name alone
  std::uint64_t undecoded = 0;         // files whose decoder gave up
  std::vector<ListVerdict> lists;
  std::uint64_t files_read = 0, bytes_read = 0;
  std::chrono::nanoseconds took{};
  bool first_time = true;  // nothing was known of the drive before
  std::vector<catalog::ShootStanding> standing;
};

/// Registers the drive if it is new (kUsage where it is known under another label, or the label is another drive's) and
/// takes in what is not known of it yet. What was taken in stays, whatever happens then; the same call goes on there.
/// Throws kCancelled and kDriveGone after that; what() tells how far it came.
AdoptReport adopt(Context& context, const AdoptRequest& request);

}  // namespace darkshelf::rituals
