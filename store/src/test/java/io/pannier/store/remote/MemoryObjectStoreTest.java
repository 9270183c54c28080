package io.pannier.store.remote;

/** The store of other tests is one. */
class MemoryObjectStoreTest extends ObjectStoreContract {
  @Override
  protected ObjectStore store() {
    return new MemoryObjectStore();
  }
}
