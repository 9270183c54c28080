package io.pannier.server.access;

import io.pannier.model.PannierException;

/** Who calls, as it was found out at the beginning of a request. */
public final class Caller {
  private final Tokens tokens;
  private final Tokens.Snapshot seen;
  private final StoredToken token;

  Caller(Tokens tokens, Tokens.Snapshot seen, StoredToken token) {
    this.tokens = tokens;
    this.seen = seen;
    this.token = token;
  }

  /** Of the token. */
  public String name() {
    return token.name();
  }

  /**
   * What things belong to that this caller made: a token that was rotated, or removed and made
   * again, is another owner.
   */
  public String owner() {
    return token.owner();
  }

  /** The token as it is at this moment. */
  public TokenInfo info() {
    return token.info(tokens.clock());
  }

  /** Whether the bucket may be read. */
  public boolean mayRead(String bucket) {
    return token.permissions().mayRead(bucket);
  }

  /**
   * Refuses what this caller may not do.
   *
   * @param bucket the one that is read or written
   * @throws PannierException.Forbidden saying what it lacks
   */
  public void require(Access access, String bucket) {
    require(token, access, bucket);
  }

  static void require(StoredToken token, Access access, String bucket) {
    boolean isAllowed =
        switch (access) {
          case NONE, TOKEN -> true;
          case READ -> token.permissions().mayRead(bucket);
          case WRITE -> token.permissions().mayWrite(bucket);
          case FULL -> token.permissions().fullAccess();
        };
    if (!isAllowed) {
      throw new PannierException.Forbidden(
          "Token '" + token.name() + "' doesn't have " + lacking(access, bucket));
    }
  }

  private static String lacking(Access access, String bucket) {
    return switch (access) {
      case NONE, TOKEN, FULL -> "full access";
      case READ -> "read access to bucket '" + bucket + "'";
      case WRITE -> "write access to bucket '" + bucket + "'";
    };
  }

  /** Whether no token changed since the request began; does not look at the time. */
  public boolean isUpToDate() {
    return tokens.snapshot().equals(seen);
  }

  /**
   * Makes sure, later in a request, that the caller still may: after its body came, before it is
   * given what it waited for.
   *
   * @throws PannierException.Unauthorized when the token is gone or over
   * @throws PannierException.Forbidden when it lost the right
   */
  public void confirm(Access access, String bucket) {
    if (access == Access.NONE) {
      return;
    }
    boolean isSame = isUpToDate();
    StoredToken now = isSame ? token : tokens.stillThere(token);
    // Not the time unused: this request is a use.
    if (now.isOver(tokens.clock())) {
      throw new PannierException.Unauthorized(Tokens.EXPIRED);
    }
    if (!isSame) {
      require(now, access, bucket);
    }
  }
}
