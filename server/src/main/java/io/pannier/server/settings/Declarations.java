package io.pannier.server.settings;

import io.pannier.server.access.TokenDeclaration;
import io.pannier.server.lifecycle.LifecycleDeclaration;
import java.util.List;

/**
 * Resources that the configuration gives: there after every start, not to be changed by clients.
 */
public record Declarations(
    List<BucketDeclaration> buckets,
    List<TokenDeclaration> tokens,
    List<LifecycleDeclaration> lifecycles) {
  /** None. */
  public static final Declarations NONE = new Declarations(List.of(), List.of(), List.of());

  /** Copies the lists. */
  public Declarations {
    buckets = List.copyOf(buckets);
    tokens = List.copyOf(tokens);
    lifecycles = List.copyOf(lifecycles);
  }
}
