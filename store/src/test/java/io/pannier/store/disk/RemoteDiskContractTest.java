package io.pannier.store.disk;

import io.pannier.store.ManualClock;
import io.pannier.store.RemoteRounds;
import io.pannier.store.remote.MemoryObjectStore;
import io.pannier.store.remote.RemoteConfig;
import io.pannier.store.remote.RemoteDisk;
import java.io.IOException;
import java.util.SplittableRandom;

/** A disk over an object store does what every disk does. */
class RemoteDiskContractTest extends DiskContract {
  private MemoryDisk local = new MemoryDisk();

  @Override
  Disk makeDisk() throws IOException {
    local = new MemoryDisk();
    return RemoteDisk.open(
        local,
        new MemoryObjectStore(),
        RemoteConfig.of("p/", 1 << 20, 1 << 30, 60_000, "test"),
        new ManualClock(),
        new SplittableRandom(1),
        RemoteRounds.FOOTERS);
  }

  @Override
  String lockName() {
    return "LOCK";
  }

  @Override
  Disk anotherProcess() {
    return local.anotherProcess();
  }
}
