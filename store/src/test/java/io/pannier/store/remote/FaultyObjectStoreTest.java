package io.pannier.store.remote;

/** As long as nothing goes wrong it does as the store below it. */
class FaultyObjectStoreTest extends ObjectStoreContract {
  @Override
  protected ObjectStore store() {
    return new FaultyObjectStore(new MemoryObjectStore());
  }
}
