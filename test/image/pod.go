package image

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"
)

// Install builds an installation of Argo CD with components of the folder manifests,
// as a user does: from the kustomization that installs Argo CD, here reduced to the
// objects that are patched. "." is the sidecar.
func Install(manifests string, components ...string) (resmap.ResMap, error) {
	fsys := filesys.MakeFsInMemory()
	err := filepath.WalkDir(manifests, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".yaml" && filepath.Ext(name) != ".json" {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(manifests, name)
		if err != nil {
			return err
		}
		if inside == filepath.Join("testdata", "argocd.yaml") {
			return fsys.WriteFile("/install/argocd.yaml", data)
		}
		return fsys.WriteFile(path.Join("/manifests", filepath.ToSlash(inside)), data)
	})
	if err != nil {
		return nil, err
	}
	var from []string
	for _, c := range components {
		from = append(from, path.Join("../manifests", c))
	}
	kustomization, err := yaml.Marshal(map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": "argocd",
		"resources": []string{"argocd.yaml"}, "components": from,
	})
	if err != nil {
		return nil, err
	}
	if err := fsys.WriteFile("/install/kustomization.yaml", kustomization); err != nil {
		return nil, err
	}
	return krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fsys, "/install")
}

// Pod is a container of a Deployment, with the volumes that it mounts.
type Pod struct {
	corev1.Container
	Volumes  []corev1.Volume
	Security *corev1.PodSecurityContext // the pod's
}

// User is the one that it runs as: the container's, or else the pod's.
func (p Pod) User() (int, error) {
	switch own, all := p.SecurityContext, p.Security; {
	case own != nil && own.RunAsUser != nil:
		return int(*own.RunAsUser), nil
	case all != nil && all.RunAsUser != nil:
		return int(*all.RunAsUser), nil
	}
	return 0, fmt.Errorf("container %s names no user", p.Name)
}

// Find returns a container of a Deployment, decoded strictly.
func Find(objects resmap.ResMap, deployment, container string) (Pod, error) {
	found, err := objects.GetById(resid.NewResIdWithNamespace(resid.NewGvk("apps", "v1", "Deployment"), deployment, "argocd"))
	if err != nil {
		return Pod{}, err
	}
	data, err := found.AsYAML()
	if err != nil {
		return Pod{}, err
	}
	var d appsv1.Deployment
	if err := yaml.UnmarshalStrict(data, &d); err != nil {
		return Pod{}, fmt.Errorf("decode Deployment %s: %w", deployment, err)
	}
	spec := d.Spec.Template.Spec
	i := slices.IndexFunc(spec.Containers, func(c corev1.Container) bool { return c.Name == container })
	if i < 0 {
		return Pod{}, fmt.Errorf("find container %s of Deployment %s: it is not there", container, deployment)
	}
	return Pod{spec.Containers[i], spec.Volumes, spec.SecurityContext}, nil
}

// Mounts makes a directory for each volume that the container mounts, as the kubelet
// does: an emptyDir is everybody's to write, a Secret nobody's. The directories are
// named as the volumes.
func (p Pod) Mounts(dir string) ([]Mount, error) {
	var mounts []Mount
	for _, m := range p.VolumeMounts {
		i := slices.IndexFunc(p.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		if i < 0 {
			return nil, fmt.Errorf("container %s mounts the volume %s, which is not there", p.Name, m.Name)
		}
		v := p.Volumes[i]
		if v.EmptyDir == nil && v.Secret == nil {
			return nil, fmt.Errorf("volume %s is neither an emptyDir nor a Secret: teach it to test/image", v.Name)
		}
		from := filepath.Join(dir, v.Name)
		if err := os.MkdirAll(from, 0o755); err != nil {
			return nil, err
		}
		if v.EmptyDir != nil {
			if err := os.Chmod(from, 0o777); err != nil {
				return nil, err
			}
		}
		mounts = append(mounts, Mount{from, m.MountPath, m.ReadOnly || v.Secret != nil})
	}
	return mounts, nil
}
