// Generated from proto/*.proto by `npm run proto`. Do not edit.
export const schema = {
  "nested": {
    "sluice": {
      "nested": {
        "v1": {
          "nested": {
            "Frame": {
              "oneofs": {
                "_wire": {
                  "oneof": [
                    "wire"
                  ]
                },
                "_serial": {
                  "oneof": [
                    "serial"
                  ]
                },
                "_object": {
                  "oneof": [
                    "object"
                  ]
                },
                "_symbols": {
                  "oneof": [
                    "symbols"
                  ]
                },
                "_blockSymbols": {
                  "oneof": [
                    "blockSymbols"
                  ]
                },
                "_sbn": {
                  "oneof": [
                    "sbn"
                  ]
                },
                "_esi": {
                  "oneof": [
                    "esi"
                  ]
                },
                "_payload": {
                  "oneof": [
                    "payload"
                  ]
                },
                "_tag": {
                  "oneof": [
                    "tag"
                  ]
                }
              },
              "fields": {
                "wire": {
                  "type": "fixed32",
                  "id": 1,
                  "options": {
                    "proto3_optional": true
                  }
                },
                "serial": {
                  "type": "fixed64",
                  "id": 2,
                  "options": {
                    "proto3_optional": true
                  }
                },
                "object": {
                  "type": "fixed64",
                  "id": 3,
                  "options": {
                    "proto3_optional": true
                  }
                },
                "symbols": {
                  "type": "fixed32",
                  "id": 4,
                  "options": {
                    "proto3_optional": true
                  }
                },
                "blockSymbols": {
                  "type": "fixed32",
                  "id": 5,
                  "protoName": "block_symbols",
                  "options": {
                    "proto3_optional": true
                  }
                },
                "sbn": {
                  "type": "fixed32",
                  "id": 6,
                  "options": {
                    "proto3_optional": true
                  }
                },
                "esi": {
                  "type": "fixed32",
                  "id": 7,
                  "options": {
                    "proto3_optional": true
                  }
                },
                "payload": {
                  "type": "bytes",
                  "id": 8,
                  "options": {
                    "proto3_optional": true
                  }
                },
                "tag": {
                  "type": "bytes",
                  "id": 9,
                  "options": {
                    "proto3_optional": true
                  }
                }
              }
            },
            "Envelope": {
              "fields": {
                "statementType": {
                  "type": "string",
                  "id": 1,
                  "protoName": "statement_type"
                },
                "statement": {
                  "type": "bytes",
                  "id": 2
                },
                "keyId": {
                  "type": "bytes",
                  "id": 3,
                  "protoName": "key_id"
                },
                "signature": {
                  "type": "bytes",
                  "id": 4
                }
              }
            },
            "Manifests": {
              "fields": {
                "history": {
                  "type": "bytes",
                  "id": 1
                },
                "coding": {
                  "type": "Coding",
                  "id": 2
                },
                "filters": {
                  "rule": "repeated",
                  "type": "Filter",
                  "id": 3
                },
                "manifests": {
                  "rule": "repeated",
                  "type": "Manifest",
                  "id": 4
                },
                "sealedMs": {
                  "type": "uint64",
                  "id": 5,
                  "protoName": "sealed_ms"
                },
                "keyId": {
                  "type": "bytes",
                  "id": 6,
                  "protoName": "key_id"
                },
                "consignment": {
                  "type": "Consignment",
                  "id": 7
                }
              }
            },
            "Consignment": {
              "fields": {
                "id": {
                  "type": "bytes",
                  "id": 1
                },
                "firstSequence": {
                  "type": "uint64",
                  "id": 2,
                  "protoName": "first_sequence"
                },
                "objects": {
                  "type": "uint64",
                  "id": 3
                },
                "size": {
                  "type": "uint64",
                  "id": 4
                },
                "root": {
                  "type": "bytes",
                  "id": 5
                }
              }
            },
            "Coding": {
              "fields": {
                "object": {
                  "type": "fixed64",
                  "id": 1
                },
                "length": {
                  "type": "uint64",
                  "id": 2
                },
                "symbolSize": {
                  "type": "uint32",
                  "id": 3,
                  "protoName": "symbol_size"
                },
                "blockSymbols": {
                  "type": "uint32",
                  "id": 4,
                  "protoName": "block_symbols"
                },
                "blockDigests": {
                  "type": "bytes",
                  "id": 5,
                  "protoName": "block_digests"
                }
              }
            },
            "Filter": {
              "fields": {
                "name": {
                  "type": "string",
                  "id": 1
                },
                "version": {
                  "type": "string",
                  "id": 2
                },
                "configDigest": {
                  "type": "bytes",
                  "id": 3,
                  "protoName": "config_digest"
                }
              }
            },
            "Manifest": {
              "fields": {
                "transfer": {
                  "type": "bytes",
                  "id": 1
                },
                "sequence": {
                  "type": "uint64",
                  "id": 2
                },
                "tenant": {
                  "type": "string",
                  "id": 3
                },
                "path": {
                  "type": "bytes",
                  "id": 4
                },
                "offset": {
                  "type": "uint64",
                  "id": 5
                },
                "size": {
                  "type": "uint64",
                  "id": 6
                },
                "mtimeNs": {
                  "type": "sint64",
                  "id": 7,
                  "protoName": "mtime_ns"
                },
                "sha256": {
                  "type": "bytes",
                  "id": 8
                },
                "type": {
                  "type": "string",
                  "id": 9
                },
                "label": {
                  "type": "string",
                  "id": 10
                },
                "submitter": {
                  "type": "string",
                  "id": 11
                },
                "consignment": {
                  "type": "bytes",
                  "id": 12
                },
                "verdicts": {
                  "rule": "repeated",
                  "type": "Verdict",
                  "id": 13
                }
              }
            },
            "Verdict": {
              "fields": {
                "filter": {
                  "type": "uint32",
                  "id": 1
                },
                "outcome": {
                  "type": "Outcome",
                  "id": 2
                },
                "digest": {
                  "type": "bytes",
                  "id": 3
                }
              }
            },
            "Outcome": {
              "values": {
                "OUTCOME_UNSPECIFIED": 0,
                "OUTCOME_PASS": 1
              }
            },
            "Heartbeat": {
              "fields": {
                "history": {
                  "type": "bytes",
                  "id": 1
                },
                "session": {
                  "type": "fixed64",
                  "id": 2
                },
                "sequenceDone": {
                  "type": "uint64",
                  "id": 3,
                  "protoName": "sequence_done"
                },
                "sequenceLast": {
                  "type": "uint64",
                  "id": 4,
                  "protoName": "sequence_last"
                },
                "voids": {
                  "rule": "repeated",
                  "type": "VoidRange",
                  "id": 5
                },
                "frames": {
                  "type": "uint64",
                  "id": 6
                },
                "parameters": {
                  "type": "LinkParameters",
                  "id": 7
                },
                "timeMs": {
                  "type": "uint64",
                  "id": 8,
                  "protoName": "time_ms"
                },
                "keyId": {
                  "type": "bytes",
                  "id": 9,
                  "protoName": "key_id"
                }
              }
            },
            "VoidRange": {
              "fields": {
                "first": {
                  "type": "uint64",
                  "id": 1
                },
                "last": {
                  "type": "uint64",
                  "id": 2
                }
              }
            },
            "LinkParameters": {
              "fields": {
                "symbolSize": {
                  "type": "uint32",
                  "id": 1,
                  "protoName": "symbol_size"
                },
                "blockSymbols": {
                  "type": "uint32",
                  "id": 2,
                  "protoName": "block_symbols"
                },
                "overheadPpm": {
                  "type": "uint32",
                  "id": 3,
                  "protoName": "overhead_ppm"
                },
                "rateBps": {
                  "type": "uint64",
                  "id": 4,
                  "protoName": "rate_bps"
                },
                "interleave": {
                  "type": "uint32",
                  "id": 5
                },
                "heartbeatMs": {
                  "type": "uint32",
                  "id": 6,
                  "protoName": "heartbeat_ms"
                }
              }
            }
          }
        }
      }
    }
  }
};
