#pragma once
// Files of adopted drives as the source of a restore.

#include <set>

#include "rituals/restore_files.hpp"

namespace darkshelf::rituals {

/// For every wanted file of a volume, sealed or adopted, a file with its contents that was taken in from one of the
/// drives that are plugged in.
class AdoptedFiles final : public MemberSource {
 public:
  AdoptedFiles(Context& context, const std::vector<AttachedDrive>& drives, const catalog::Volume& volume,
               const std::set<std::string>& wanted);

  bool nothing() const { return places_.empty(); }
  std::set<std::string> labels() const;  // of the drives they lie on
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
  std::map<digest::Sha256, Place> places_;
  mutable std::unique_ptr<io::File> open_;
  mutable digest::Sha256 opened_{};
};

}  // namespace darkshelf::rituals
