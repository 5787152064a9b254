plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
    alias(libs.plugins.kotlin.compose)
}

android {
    namespace = "org.bedside.app"
    compileSdk = 36

    defaultConfig {
        applicationId = "org.bedside.app"
        minSdk = 30
        targetSdk = 36
        versionCode = 1
        versionName = "0.1"
        ndk.abiFilters += listOf("arm64-v8a", "armeabi-v7a", "x86_64", "x86")
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
        }
    }

    buildFeatures.compose = true

    sourceSets["main"].kotlin.srcDirs("src/screens/kotlin", "src/main/kotlin")

    testOptions.unitTests.all { it.useJUnitPlatform() }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    implementation(project(":library"))
    implementation(platform(libs.compose.bom))
    implementation(libs.compose.material3)
    implementation(libs.activity.compose)

    testImplementation(libs.junit)
    testRuntimeOnly(libs.junit.launcher)
}
