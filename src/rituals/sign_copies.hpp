#pragma once
// `key sign`: a signature for copies that were sealed without one.

#include "rituals/signatures.hpp"

namespace darkshelf::rituals {

struct SignReport {
  enum class Outcome { kSigned, kAlready, kRefused };
  struct Copy {
    catalog::Volume volume;
    std::string drive;  // label
    Outcome outcome = Outcome::kSigned;
    SignatureView view;        // as it is now
    std::string why;           // kRefused
    bool contradicts = false;  // kRefused: the seal there is not the catalog's
  };
  std::vector<Copy> copies;
  std::vector<std::pair<catalog::Volume, std::string>> absent;  // copies on drives that are not plugged in (labels)
  std::vector<std::string> not_refreshed;                       // catalog copies that could not be written, and why
};
/// `what`: drives (their copies alone), shoots or volumes (all copies that are plugged in). All copies of a volume get
/// the same signature. Throws kNotFound, kUsage, kDriveAbsent and kWrongDrive about a drive that was named, kInUse.
SignReport sign_copies(Context& context, const std::vector<std::string>& what, const sign::SigningKey& key);

}  // namespace darkshelf::rituals
