#pragma once
// One shoot of a drive that is adopted: what of it is known already, what is to be read, and how it is recorded.

#include <set>

#include "rituals/adopt.hpp"
#include "rituals/adopt_known.hpp"
#include "rituals/adopt_read.hpp"
#include "rituals/adopt_scan.hpp"

namespace darkshelf::rituals {

class ShootIntake {
 public:
  ShootIntake(FoundShoot found, std::vector<KnownPart> known, bool names_only);

  const FoundShoot& found() const { return found_; }
  std::uint64_t bytes_to_read() const { return bytes_to_read_; }
  std::uint64_t files_to_read() const { return files_to_read_; }
  /// Files that are going to be read, for a sample.
  std::vector<io::Path> paths_to_read() const;

  /// Reads what is to be read and records it, part by part; what was recorded before and is no more is taken back.
  AdoptedShoot take_in(Context& context, const AdoptRequest& request, const catalog::Drive& drive, FileReader& reader,
                       ChecksumLists& lists, KnownShoots& shoots, AdoptReport& report);

 private:
  struct Lead;
  struct Before {  // as it was taken in
    const formats::volume::Member* member = nullptr;
    const KnownPart* part = nullptr;
    bool trusted = false;  // hashed, and found good since
  };

  void compare();
  bool is_as_known(const volume::SourceEntry& entry, const formats::volume::Member& member) const;
  bool is_out_of_sight(const std::string& path) const;
  std::string below_root(const std::string& member_path) const;
  void take_part(Context& context, const std::vector<std::size_t>& entries, unsigned number);
  void record(Context& context, std::vector<formats::volume::Member> members, core::Time read, unsigned number);
  void tell_change(const Before& before, const FileRead& read, const formats::volume::Member& now);
  void settle_group(Context& context, std::size_t parts);
  void settle_date(const std::vector<FileRead>& results);
  void keep_thumbnails(Context& context, std::vector<FileRead>& results);
  void end_outdated(Context& context);
  void count();

  FoundShoot found_;
  std::vector<KnownPart> known_;
  bool names_only_;
  std::set<const KnownPart*> kept_;
  std::map<std::string, Before> before_;       // by member path
  std::vector<std::size_t> to_take_;           // entries
  std::map<std::string, photo::Photo> leads_;  // by the path of their first file
  std::uint64_t bytes_to_read_ = 0, files_to_read_ = 0;

  // While it is taken in:
  const AdoptRequest* request_ = nullptr;
  const catalog::Drive* drive_ = nullptr;
  FileReader* reader_ = nullptr;
  ChecksumLists* lists_ = nullptr;
  AdoptReport* report_ = nullptr;
  AdoptedShoot out_;
  core::Uuid group_;
  unsigned parts_ = 1;
  std::vector<unsigned> numbers_;  // of the new parts
  std::set<core::Uuid> recorded_;
  std::set<std::string> taken_, dropped_;  // member paths
  bool others_told_ = false;               // folders and links, which go with the first part
};

}  // namespace darkshelf::rituals
