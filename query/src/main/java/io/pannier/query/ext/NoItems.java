package io.pannier.query.ext;

import org.jspecify.annotations.Nullable;

/** Nothing. */
enum NoItems implements Items {
  NONE;

  @Override
  public @Nullable Item next() {
    return null;
  }
}
