package io.pannier.client;

import java.util.Optional;

/**
 * What a store says about itself.
 *
 * @param apiMinor minor version of the API 1.x; 0 when it does not say
 * @param storeId id of a Pannier store
 * @param takesUploads whether an upload may go on over another connection ({@link
 *     RemoteStore#append})
 */
public record RemoteServer(int apiMinor, Optional<String> storeId, boolean takesUploads) {
  /** Whether compressed bodies are decoded. */
  public boolean takesCodedBodies() {
    return apiMinor >= 21;
  }
}
