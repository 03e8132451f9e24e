#pragma once
// Files of adopted drives as the source of a restore.

#include <set>

#include "rituals/restore_files.hpp"

namespace darkshelf::rituals {

/// For every wanted file of a volume, sealed or adopted, the files with its contents that were taken in from the drives
/// that are plugged in; those of copies that are known as good first.
class AdoptedFiles final : public MemberSource {
 public:
  AdoptedFiles(Context& context, const std::vector<AttachedDrive>& drives, const catalog::Volume& volume,
               const std::set<std::string>& wanted);

  bool nothing() const { return places_.empty(); }
  /// Those that are still lacking were not what they should be: is there another file for any of them?
  bool try_others(const std::set<std::string>& lacking);
  const std::set<std::string>& labels() const { return labels_; }  // of the drives that were read
  void read_member(const formats::volume::Member& member, std::uint64_t offset,
                   core::MutableByteSpan into) const override;
  const std::vector<formats::volume::Member>& members() const override { return members_; }

 private:
  struct Place {
    io::Path path;
    std::string label;
  };
  Context& context_;
  std::vector<formats::volume::Member> members_;
  std::map<digest::Sha256, std::vector<Place>> places_;
  mutable std::set<std::string> labels_;
  mutable std::unique_ptr<io::File> open_;
  mutable digest::Sha256 opened_{};
};

}  // namespace darkshelf::rituals
