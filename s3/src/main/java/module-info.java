/** The object store of a store, in S3. */
@SuppressWarnings({"requires-automatic", "module"}) // modules by name only; a digit at the end
module io.pannier.s3 {
  requires static transitive org.jspecify;
  requires transitive io.pannier.store;
  requires software.amazon.awssdk.auth;
  requires software.amazon.awssdk.awscore;
  requires software.amazon.awssdk.core;
  requires software.amazon.awssdk.http;
  requires software.amazon.awssdk.http.urlconnection;
  requires software.amazon.awssdk.regions;
  requires software.amazon.awssdk.retries.api;
  requires software.amazon.awssdk.services.s3;

  exports io.pannier.s3;
}
