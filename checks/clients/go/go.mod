module pannier/scenario

go 1.24.1

require github.com/reductstore/reduct-go v1.21.0
