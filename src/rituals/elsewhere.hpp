#pragma once
// Where sealed bytes of a damaged volume may be had besides its own folder: copies on other drives, and a parcel that
// was read from one. Nothing of it is believed before it is compared with the seal.

#include "rituals/context.hpp"

namespace darkshelf::rituals {

class ParcelFile;

struct Twin {
  std::string label;
  io::Path folder;  // of the volume on that drive
};
struct Elsewhere {
  std::vector<Twin> twins;
  std::shared_ptr<const ParcelFile> parcel;
  bool nowhere() const { return twins.empty() && !parcel; }
};

}  // namespace darkshelf::rituals
