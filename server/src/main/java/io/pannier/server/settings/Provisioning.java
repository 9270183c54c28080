package io.pannier.server.settings;

import io.pannier.model.BucketSettings;
import io.pannier.store.Bucket;
import io.pannier.store.Store;
import java.util.List;

/** Makes what is declared be there, at every start (configuration.md §15.1). */
public final class Provisioning {
  private Provisioning() {}

  /**
   * Creates or adjusts buckets and marks them. What a declaration leaves out, a new bucket gets
   * from the store's defaults, and an existing one keeps. A bucket that is declared no more has
   * lost its mark with the process that set it.
   */
  public static void buckets(Store store, List<BucketDeclaration> declarations) {
    for (BucketDeclaration declaration : declarations) {
      Bucket bucket = store.findBucket(declaration.name()).orElse(null);
      if (bucket == null) {
        bucket = store.createBucket(declaration.name(), merged(declaration, store.defaults()));
      } else {
        BucketSettings wanted = merged(declaration, bucket.settings());
        if (!wanted.equals(bucket.settings())) {
          bucket.changeSettings(wanted);
        }
      }
      bucket.setProvisioned(true);
    }
  }

  private static BucketSettings merged(BucketDeclaration declaration, BucketSettings base) {
    return new BucketSettings(
        declaration.quotaType().orElse(base.quotaType()),
        declaration.quotaSize().orElse(base.quotaSize()),
        declaration.maxBlockSize().orElse(base.maxBlockSize()),
        declaration.maxBlockRecords().orElse(base.maxBlockRecords()),
        base.ack());
  }
}
