//! When versions of the cluster's own API were deprecated and removed, and what replaces them.

/// The life of one kind in one version of its group. Releases are minor versions: 22 is 1.22.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    /// The release that deprecated it.
    pub deprecated: u8,
    /// The release that no longer serves it.
    pub removed: u8,
    /// The `apiVersion` to use instead; empty if there is none.
    pub replacement: &'static str,
}

/// What is known of a kind, if its version was ever deprecated.
pub(super) fn life(group: &str, version: &str, kind: &str) -> Option<&'static Life> {
    let at = LIVES
        .binary_search_by(|it| (it.group, it.version, it.kind).cmp(&(group, version, kind)))
        .ok()?;
    LIVES.get(at)
}

const fn row(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    deprecated: u8,
    removed: u8,
    replacement: &'static str,
) -> Life {
    Life { group, version, kind, deprecated, removed, replacement }
}

/// Sorted by group, version and kind.
#[rustfmt::skip]
const LIVES: &[Life] = &[
    row("admissionregistration.k8s.io", "v1alpha1", "MutatingAdmissionPolicy", 35, 38, "admissionregistration.k8s.io/v1"),
    row("admissionregistration.k8s.io", "v1alpha1", "MutatingAdmissionPolicyBinding", 35, 38, "admissionregistration.k8s.io/v1"),
    row("admissionregistration.k8s.io", "v1alpha1", "ValidatingAdmissionPolicy", 29, 32, "admissionregistration.k8s.io/v1"),
    row("admissionregistration.k8s.io", "v1alpha1", "ValidatingAdmissionPolicyBinding", 29, 32, "admissionregistration.k8s.io/v1"),
    row("admissionregistration.k8s.io", "v1beta1", "MutatingAdmissionPolicy", 37, 40, "admissionregistration.k8s.io/v1"),
    row("admissionregistration.k8s.io", "v1beta1", "MutatingAdmissionPolicyBinding", 37, 40, "admissionregistration.k8s.io/v1"),
    row("admissionregistration.k8s.io", "v1beta1", "MutatingWebhookConfiguration", 16, 22, "admissionregistration.k8s.io/v1"),
    row("admissionregistration.k8s.io", "v1beta1", "ValidatingAdmissionPolicy", 31, 34, "admissionregistration.k8s.io/v1"),
    row("admissionregistration.k8s.io", "v1beta1", "ValidatingAdmissionPolicyBinding", 31, 34, "admissionregistration.k8s.io/v1"),
    row("admissionregistration.k8s.io", "v1beta1", "ValidatingWebhookConfiguration", 16, 22, "admissionregistration.k8s.io/v1"),
    row("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition", 16, 22, "apiextensions.k8s.io/v1"),
    row("apiregistration.k8s.io", "v1beta1", "APIService", 19, 22, "apiregistration.k8s.io/v1"),
    row("apps", "v1beta1", "ControllerRevision", 8, 16, "apps/v1"),
    row("apps", "v1beta1", "Deployment", 8, 16, "apps/v1"),
    row("apps", "v1beta1", "StatefulSet", 8, 16, "apps/v1"),
    row("apps", "v1beta2", "ControllerRevision", 9, 16, "apps/v1"),
    row("apps", "v1beta2", "DaemonSet", 9, 16, "apps/v1"),
    row("apps", "v1beta2", "Deployment", 9, 16, "apps/v1"),
    row("apps", "v1beta2", "ReplicaSet", 9, 16, "apps/v1"),
    row("apps", "v1beta2", "StatefulSet", 9, 16, "apps/v1"),
    row("autoscaling", "v2beta1", "HorizontalPodAutoscaler", 22, 25, "autoscaling/v2"),
    row("autoscaling", "v2beta2", "HorizontalPodAutoscaler", 23, 26, "autoscaling/v2"),
    row("batch", "v1beta1", "CronJob", 21, 25, "batch/v1"),
    row("batch", "v2alpha1", "CronJob", 8, 21, "batch/v1"),
    row("certificates.k8s.io", "v1alpha1", "ClusterTrustBundle", 34, 37, "certificates.k8s.io/v1"),
    row("certificates.k8s.io", "v1alpha1", "PodCertificateRequest", 37, 40, "certificates.k8s.io/v1"),
    row("certificates.k8s.io", "v1beta1", "CertificateSigningRequest", 19, 22, "certificates.k8s.io/v1"),
    row("certificates.k8s.io", "v1beta1", "ClusterTrustBundle", 37, 40, "certificates.k8s.io/v1"),
    row("certificates.k8s.io", "v1beta1", "PodCertificateRequest", 37, 40, "certificates.k8s.io/v1"),
    row("coordination.k8s.io", "v1alpha1", "LeaseCandidate", 34, 37, ""),
    row("coordination.k8s.io", "v1alpha2", "LeaseCandidate", 35, 38, ""),
    row("coordination.k8s.io", "v1beta1", "Lease", 19, 22, "coordination.k8s.io/v1"),
    row("coordination.k8s.io", "v1beta1", "LeaseCandidate", 36, 39, ""),
    row("discovery.k8s.io", "v1beta1", "EndpointSlice", 21, 25, "discovery.k8s.io/v1"),
    row("events.k8s.io", "v1beta1", "Event", 22, 25, "events.k8s.io/v1"),
    row("extensions", "v1beta1", "DaemonSet", 8, 16, "apps/v1"),
    row("extensions", "v1beta1", "Deployment", 8, 16, "apps/v1"),
    row("extensions", "v1beta1", "Ingress", 14, 22, "networking.k8s.io/v1"),
    row("extensions", "v1beta1", "NetworkPolicy", 9, 16, "networking.k8s.io/v1"),
    row("extensions", "v1beta1", "PodSecurityPolicy", 11, 16, "policy/v1beta1"),
    row("extensions", "v1beta1", "ReplicaSet", 8, 16, "apps/v1"),
    row("flowcontrol.apiserver.k8s.io", "v1alpha1", "FlowSchema", 20, 21, "flowcontrol.apiserver.k8s.io/v1beta3"),
    row("flowcontrol.apiserver.k8s.io", "v1alpha1", "PriorityLevelConfiguration", 20, 21, "flowcontrol.apiserver.k8s.io/v1beta3"),
    row("flowcontrol.apiserver.k8s.io", "v1beta1", "FlowSchema", 23, 26, "flowcontrol.apiserver.k8s.io/v1beta3"),
    row("flowcontrol.apiserver.k8s.io", "v1beta1", "PriorityLevelConfiguration", 23, 26, "flowcontrol.apiserver.k8s.io/v1beta3"),
    row("flowcontrol.apiserver.k8s.io", "v1beta2", "FlowSchema", 26, 29, "flowcontrol.apiserver.k8s.io/v1beta3"),
    row("flowcontrol.apiserver.k8s.io", "v1beta2", "PriorityLevelConfiguration", 26, 29, "flowcontrol.apiserver.k8s.io/v1beta3"),
    row("flowcontrol.apiserver.k8s.io", "v1beta3", "FlowSchema", 29, 32, "flowcontrol.apiserver.k8s.io/v1"),
    row("flowcontrol.apiserver.k8s.io", "v1beta3", "PriorityLevelConfiguration", 29, 32, "flowcontrol.apiserver.k8s.io/v1"),
    row("lifecycle.k8s.io", "v1alpha1", "EvictionRequest", 40, 43, ""),
    row("networking.k8s.io", "v1alpha1", "ClusterCIDR", 28, 31, ""),
    row("networking.k8s.io", "v1alpha1", "IPAddress", 30, 33, "networking.k8s.io/v1"),
    row("networking.k8s.io", "v1alpha1", "ServiceCIDR", 30, 33, "networking.k8s.io/v1"),
    row("networking.k8s.io", "v1beta1", "IPAddress", 34, 37, "networking.k8s.io/v1"),
    row("networking.k8s.io", "v1beta1", "Ingress", 19, 22, "networking.k8s.io/v1"),
    row("networking.k8s.io", "v1beta1", "IngressClass", 19, 22, "networking.k8s.io/v1"),
    row("networking.k8s.io", "v1beta1", "ServiceCIDR", 34, 37, "networking.k8s.io/v1"),
    row("node.k8s.io", "v1beta1", "RuntimeClass", 22, 25, "node.k8s.io/v1"),
    row("policy", "v1beta1", "PodDisruptionBudget", 21, 25, "policy/v1"),
    row("policy", "v1beta1", "PodSecurityPolicy", 21, 25, ""),
    row("rbac.authorization.k8s.io", "v1alpha1", "ClusterRole", 17, 22, "rbac.authorization.k8s.io/v1"),
    row("rbac.authorization.k8s.io", "v1alpha1", "ClusterRoleBinding", 17, 22, "rbac.authorization.k8s.io/v1"),
    row("rbac.authorization.k8s.io", "v1alpha1", "Role", 17, 22, "rbac.authorization.k8s.io/v1"),
    row("rbac.authorization.k8s.io", "v1alpha1", "RoleBinding", 17, 22, "rbac.authorization.k8s.io/v1"),
    row("rbac.authorization.k8s.io", "v1beta1", "ClusterRole", 17, 22, "rbac.authorization.k8s.io/v1"),
    row("rbac.authorization.k8s.io", "v1beta1", "ClusterRoleBinding", 17, 22, "rbac.authorization.k8s.io/v1"),
    row("rbac.authorization.k8s.io", "v1beta1", "Role", 17, 22, "rbac.authorization.k8s.io/v1"),
    row("rbac.authorization.k8s.io", "v1beta1", "RoleBinding", 17, 22, "rbac.authorization.k8s.io/v1"),
    row("resource.k8s.io", "v1alpha3", "DeviceClass", 34, 37, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1alpha3", "DeviceTaintRule", 36, 39, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1alpha3", "ResourceClaim", 34, 37, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1alpha3", "ResourceClaimTemplate", 34, 37, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1alpha3", "ResourcePoolStatusRequest", 39, 42, ""),
    row("resource.k8s.io", "v1alpha3", "ResourceSlice", 34, 37, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1beta1", "DeviceClass", 35, 38, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1beta1", "ResourceClaim", 35, 38, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1beta1", "ResourceClaimTemplate", 35, 38, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1beta1", "ResourceSlice", 35, 38, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1beta2", "DeviceClass", 36, 39, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1beta2", "DeviceTaintRule", 39, 42, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1beta2", "ResourceClaim", 36, 39, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1beta2", "ResourceClaimTemplate", 36, 39, "resource.k8s.io/v1"),
    row("resource.k8s.io", "v1beta2", "ResourceSlice", 36, 39, "resource.k8s.io/v1"),
    row("scheduling.k8s.io", "v1beta1", "PodGroup", 40, 43, ""),
    row("scheduling.k8s.io", "v1beta1", "PriorityClass", 14, 22, "scheduling.k8s.io/v1"),
    row("scheduling.k8s.io", "v1beta1", "Workload", 40, 43, ""),
    row("storage.k8s.io", "v1alpha1", "CSIStorageCapacity", 21, 24, "storage.k8s.io/v1beta1"),
    row("storage.k8s.io", "v1alpha1", "VolumeAttachment", 21, 24, "storage.k8s.io/v1"),
    row("storage.k8s.io", "v1alpha1", "VolumeAttributesClass", 32, 35, "storage.k8s.io/v1"),
    row("storage.k8s.io", "v1beta1", "CSIDriver", 19, 22, "storage.k8s.io/v1"),
    row("storage.k8s.io", "v1beta1", "CSINode", 17, 22, "storage.k8s.io/v1"),
    row("storage.k8s.io", "v1beta1", "CSIStorageCapacity", 24, 27, "storage.k8s.io/v1"),
    row("storage.k8s.io", "v1beta1", "StorageClass", 19, 22, "storage.k8s.io/v1"),
    row("storage.k8s.io", "v1beta1", "VolumeAttachment", 19, 22, "storage.k8s.io/v1"),
    row("storage.k8s.io", "v1beta1", "VolumeAttributesClass", 34, 37, "storage.k8s.io/v1"),
    row("storagemigration.k8s.io", "v1alpha1", "StorageVersionMigration", 33, 36, "storagemigration.k8s.io/v1"),
    row("storagemigration.k8s.io", "v1beta1", "StorageVersionMigration", 37, 40, "storagemigration.k8s.io/v1"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_makes_sense() {
        assert!(LIVES.is_sorted_by_key(|it| (it.group, it.version, it.kind)));
        for it in LIVES {
            assert!(it.deprecated < it.removed, "{it:?}");
            assert_ne!(it.replacement, format!("{}/{}", it.group, it.version), "{it:?}");
        }
    }

    #[test]
    fn versions_are_found_by_group_version_and_kind() {
        let ingress = life("extensions", "v1beta1", "Ingress").expect("it was removed");
        assert_eq!((ingress.removed, ingress.replacement), (22, "networking.k8s.io/v1"));
        assert_eq!(life("apps", "v1", "Deployment"), None);
    }
}
